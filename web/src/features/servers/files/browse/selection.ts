/** Which rows of a list are chosen, and which one has the focus. Rows are known by their names; all of this is pure. */
export interface Selection {
  chosen: ReadonlySet<string>
  /** Where a stretch begins that Shift extends. */
  anchor: string | null
  /** The one that keys act on. */
  active: string | null
}
export const NOTHING: Selection = { chosen: new Set(), anchor: null, active: null }

export interface Held {
  /** Shift. */
  extend?: boolean
  /** Ctrl or Cmd. */
  toggle?: boolean
}

function stretch(names: readonly string[], from: string | null, to: string): string[] {
  const [a, b] = [from === null ? -1 : names.indexOf(from), names.indexOf(to)]
  if (b < 0) return []
  return a < 0 ? [to] : names.slice(Math.min(a, b), Math.max(a, b) + 1)
}

/** A row was pressed. */
export function press({ chosen, anchor }: Selection, names: readonly string[], name: string, { extend, toggle }: Held = {}): Selection {
  if (extend) return { chosen: new Set([...(toggle ? chosen : []), ...stretch(names, anchor, name)]), anchor: anchor ?? name, active: name }
  if (!toggle) return { chosen: new Set([name]), anchor: name, active: name }
  const next = new Set(chosen)
  if (!next.delete(name)) next.add(name)
  return { chosen: next, anchor: name, active: name }
}

export type Step = 'up' | 'down' | 'first' | 'last' | 'pageUp' | 'pageDown'

/** The focus goes to another row; with `extend` what lies between is chosen. */
export function step(now: Selection, names: readonly string[], to: Step, page: number, extend = false): Selection {
  if (names.length === 0) return now
  const here = now.active === null ? -1 : names.indexOf(now.active)
  const by: Record<Step, number> = { up: here < 0 ? names.length - 1 : here - 1, down: here + 1, first: 0, last: names.length - 1, pageUp: here - page, pageDown: here + page }
  const active = names[Math.min(Math.max(by[to], 0), names.length - 1)]!
  if (!extend) return { ...now, active, anchor: active }
  const anchor = now.anchor ?? now.active ?? active
  return { chosen: new Set(stretch(names, anchor, active)), anchor, active }
}

export const all = (now: Selection, names: readonly string[]): Selection => ({ ...now, chosen: new Set(names) })
export const none = (now: Selection): Selection => ({ ...now, chosen: new Set() })

/** What is gone is not chosen any more, and the focus goes to what took its place. */
export function retain(now: Selection, before: readonly string[], names: readonly string[]): Selection {
  const there = new Set(names)
  const chosen = new Set([...now.chosen].filter((name) => there.has(name)))
  let { active } = now
  if (active !== null && !there.has(active)) {
    const was = before.indexOf(active)
    active = before.slice(was + 1).find((name) => there.has(name)) ?? before.slice(0, Math.max(was, 0)).findLast((name) => there.has(name)) ?? null
  }
  const anchor = now.anchor !== null && there.has(now.anchor) ? now.anchor : active
  return { chosen, anchor, active }
}

/** What a verb is meant for: all that is chosen, or else the row with the focus. */
export const meant = ({ chosen, active }: Selection, names: readonly string[]): string[] => (chosen.size ? names.filter((name) => chosen.has(name)) : active !== null && names.includes(active) ? [active] : [])
