import { merge, type Line } from '@/api/lines'

/** Lines of a console that are kept in memory; the oldest go first. */
export const MAX_LINES = 20_000

/** What was read back: `oldest` and `newest` are the ends of what its machine keeps. */
export interface Chunk {
  lines: readonly Line[]
  oldest: number
  newest: number
}

/** A console as far as it is here. */
export interface Stream {
  /** Ascending, each once. */
  lines: readonly Line[]
  /** Up to this number nothing is missing between the lines, but for what is gone for good. */
  solid: number
  /** Lines that its machine no longer keeps. */
  lost: number
}

export const NOTHING: Stream = { lines: [], solid: 0, lost: 0 }

/** Lines that are missing between others: those after `after` and before `before`. */
export interface Gap {
  after: number
  before: number
}

const settled = (lines: readonly Line[], solid: number): number => {
  let at = placeAfter(lines, solid)
  while (at < lines.length && lines[at]!.sequence === solid + 1) {
    solid++
    at++
  }
  return solid
}

/** The place of the first line with a higher number. */
function placeAfter(lines: readonly Line[], sequence: number): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (lines[middle]!.sequence <= sequence) low = middle + 1
    else high = middle
  }
  return low
}

/** Lines that came, from wherever. */
export function took(stream: Stream, fresh: readonly Line[]): Stream {
  if (fresh.length === 0) return stream
  const lines = merge(stream.lines, fresh, MAX_LINES)
  if (lines === stream.lines) return stream
  const first = lines[0]!.sequence
  // What begins anew, or has moved on past what was known, begins with its first line.
  const solid = stream.lines.length === 0 || stream.solid < first ? first : stream.solid
  return { ...stream, lines, solid: settled(lines, solid) }
}

/** The first gap; null where there is none. */
export function gapOf({ lines, solid }: Stream): Gap | null {
  const next = lines[placeAfter(lines, solid)]
  return next ? { after: solid, before: next.sequence } : null
}

/** An answer to "what is after `after`": lines come in, and what its machine does not keep any more is given up. */
export function readBack(stream: Stream, { after, before }: Gap, chunk: Chunk): Stream {
  const now = took(stream, chunk.lines)
  const open = gapOf(now)
  if (!open || open.after !== after) return now
  // Nothing came right after what is known: it is gone.
  const found = chunk.lines.find(({ sequence }) => sequence > after)?.sequence
  const until = Math.min(found ?? before, before)
  return { ...now, solid: settled(now.lines, until), lost: now.lost + until - after - 1 }
}

/** The newest lines, read when one comes or comes back. A console that begins anew has lower numbers than before. */
export function caughtUp(stream: Stream, chunk: Chunk): Stream {
  const last = stream.lines.at(-1)?.sequence ?? 0
  const isAnew = chunk.newest < last
  return took(isAnew ? NOTHING : stream, chunk.lines)
}
