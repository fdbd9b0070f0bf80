import type { FileRead } from './reading'

/** What an edit began from. `hash` goes into the change as `before`: a file that is another one by then is left alone. */
export interface Base {
  /** Null where there is no file yet. */
  hash: string | null
  text: string
}
export interface Draft {
  base: Base
  typed: string
}
/** What was begun and is not written, by path. */
export type Drafts = Map<string, Draft>

/** What the machine has now beside what is being typed. */
export type Clash =
  /** Another text than the edit began from. */
  | { kind: 'changed'; theirs: Base }
  /** It was deleted. */
  | { kind: 'gone' }
  /** It is binary now, or too long. */
  | { kind: 'other' }

export const before = ({ hash }: Base): string => hash ?? 'absent'
export const isTouched = ({ base, typed }: Draft): boolean => typed !== base.text

/** What stands against writing; null where nothing does. `now`: what the machine has, null where there is no file. */
export function clashOf(draft: Draft, now: FileRead | null): Clash | null {
  if (now === null) return draft.base.hash === null ? null : { kind: 'gone' }
  if (now.kind !== 'text' || now.hash === null) return { kind: 'other' }
  if (now.hash === draft.base.hash) return null
  return { kind: 'changed', theirs: { hash: now.hash, text: now.text } }
}

export type Choice = 'mine' | 'theirs'

/** After the person has chosen: with `mine` the next write takes the place of what was looked at, and of nothing newer. */
export function settle(draft: Draft, clash: Clash, choice: Choice): Draft | null {
  const base: Base | null = clash.kind === 'changed' ? clash.theirs : clash.kind === 'gone' ? { hash: null, text: '' } : null
  if (!base) return draft
  if (choice === 'mine') return { base, typed: draft.typed }
  return clash.kind === 'gone' ? null : { base, typed: base.text }
}

/**
 * A fresh reading: what is not being edited follows it, what is stays and is told of the clash. `written`: what this edit wrote last;
 * what is typed meanwhile goes on from there.
 */
export function follow(draft: Draft | null, now: FileRead | null, written: string | null = null): { draft: Draft | null; clash: Clash | null } {
  const base: Base | null = now?.kind === 'text' && now.hash !== null ? { hash: now.hash, text: now.text } : null
  if (!draft || !isTouched(draft)) {
    if (base) return { draft: { base, typed: base.text }, clash: null }
    // One that is to be made stays, as empty as it is.
    return { draft: now === null && draft?.base.hash === null ? draft : null, clash: null }
  }
  // Somebody made the very same change, or it was this one.
  if (base && (base.text === draft.typed || base.text === written)) return { draft: { base, typed: draft.typed }, clash: null }
  return { draft, clash: clashOf(draft, now) }
}
