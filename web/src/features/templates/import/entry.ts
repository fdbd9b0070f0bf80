import type { Schemas } from '@/api/client'

export type Egg = Schemas['Egg']

/** Why a file goes no further: what happened, and what to do. */
export interface Refusal {
  message: string
  fix: string
}
export type Read = { kind: 'reading' } | { kind: 'refused'; why: Refusal; /** Asking again may help. */ passing: boolean } | { kind: 'read'; egg: Egg }

/** What became of one that was imported. */
export type Result = { kind: 'kept'; alt: string } | { kind: 'waits' }

/** A chosen file and what is known of it. */
export interface Entry {
  key: number
  /** Its name, as the person knows it. */
  file: string
  bytes: number
  read: Read
  /** Whether the person wants it. */
  taken: boolean
  result: Result | null
}

/** What becomes of a file when all of them are imported. */
export type Fate =
  | { kind: 'reading' | 'refused' | 'left' | 'new' }
  /** There is a template of this name, which says something else. */
  | { kind: 'version'; alt: Schemas['Alt'] }
  /** There is this very template. */
  | { kind: 'same'; alt: Schemas['Alt'] }
  /** Another file is this very template, or has its name. */
  | { kind: 'twin' | 'clash'; file: string }
  | { kind: 'done'; alt: string }
  | { kind: 'waits' }

export const nameOf = ({ document }: Pick<Egg, 'document'>): string => {
  const { name } = document as { name?: unknown }
  return typeof name === 'string' ? name : ''
}

/** Whether it changes something. */
export const isWork = ({ kind }: Fate): boolean => kind === 'new' || kind === 'version'

function fateOf(entry: Entry, known: readonly Schemas['Alt'][], before: readonly Entry[]): Fate {
  if (entry.result) return entry.result.kind === 'kept' ? { kind: 'done', alt: entry.result.alt } : { kind: 'waits' }
  if (entry.read.kind !== 'read') return { kind: entry.read.kind }
  const { egg } = entry.read
  if (!egg.ok) return { kind: 'refused' }
  const name = nameOf(egg)
  const alt = known.find((one) => one.name === name)
  if (alt?.hash === egg.hash) return { kind: 'same', alt }
  if (!entry.taken) return { kind: 'left' }
  // The first file of a name becomes the template; those after it are told apart from it.
  for (const other of before) {
    if (other.read.kind !== 'read' || nameOf(other.read.egg) !== name) continue
    return { kind: other.read.egg.hash === egg.hash ? 'twin' : 'clash', file: other.file }
  }
  return alt ? { kind: 'version', alt } : { kind: 'new' }
}

/** What becomes of each file, by its key. `known`: all templates of the category. */
export function fatesOf(entries: readonly Entry[], known: readonly Schemas['Alt'][]): Map<number, Fate> {
  const fates = new Map<number, Fate>()
  const working: Entry[] = []
  for (const entry of entries) {
    const fate = fateOf(entry, known, working)
    fates.set(entry.key, fate)
    if (isWork(fate)) working.push(entry)
  }
  return fates
}
