import type { components } from './schema'

export type Line = components['schemas']['LogLine']

/** Lines of one log kept in memory; the oldest go first. */
export const MAX_LINES = 50_000

/** Puts lines into an ascending list, each once. Answers the same list where nothing is new. */
export function merge(lines: readonly Line[], fresh: readonly Line[], max = MAX_LINES): readonly Line[] {
  if (fresh.length === 0) return lines
  const first = lines[0]?.sequence ?? Infinity
  const last = lines.at(-1)?.sequence ?? -Infinity
  const sorted = isAscending(fresh) ? fresh : [...fresh].sort((a, b) => a.sequence - b.sequence)
  if (sorted[0]!.sequence > last) return capped(lines.concat(once(sorted)), max)
  if (sorted.at(-1)!.sequence < first) return once(sorted).concat(lines)
  const known = new Set(lines.map((line) => line.sequence))
  const added = once(sorted).filter((line) => !known.has(line.sequence))
  if (added.length === 0) return lines
  if (added[0]!.sequence > last) return capped(lines.concat(added), max)
  return capped(
    lines.concat(added).sort((a, b) => a.sequence - b.sequence),
    max,
  )
}

const isAscending = (lines: readonly Line[]): boolean => lines.every((line, at) => at === 0 || lines[at - 1]!.sequence <= line.sequence)
const once = (lines: readonly Line[]): Line[] => lines.filter((line, at) => at === 0 || lines[at - 1]!.sequence !== line.sequence)
const capped = (lines: readonly Line[], max: number): readonly Line[] => (lines.length > max ? lines.slice(lines.length - max) : lines)
