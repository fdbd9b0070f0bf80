/** One line of a log. */
export interface LogLine {
  /** Its number; ascending, each once. */
  sequence: number
  /** When it was written, RFC 3339. */
  at: string
  /** `out`, `err`, `tty`, or `note` for what the machine's agent says itself. */
  stream: string
  text: string
}

/** What a log is doing. `live`: lines arrive; `catching`: connected again, or not yet; `ended`: nothing more will come. */
export type LogState = 'live' | 'catching' | 'ended'

/** A longer line is cut until somebody asks for all of it, characters. */
export const MAX_SHOWN_CHARS = 4_000
/** More differently styled pieces than this and the rest of a line is shown plain. */
export const MAX_PIECES = 1_500

/** The place of a line by its number in an ascending list; where it is missing, the place it would have. */
export function placeOf(lines: readonly LogLine[], sequence: number): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (lines[middle]!.sequence < sequence) low = middle + 1
    else high = middle
  }
  return low
}

/** How often `mark` stands in a text. */
export function countOf(mark: string, text: string): number {
  let found = 0
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) found++
  return found
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hour12: false })
/** The time of a line on this machine's wall, to the millisecond; what is no time stays as it is. */
export function timeOf(at: string): string {
  const time = Date.parse(at)
  return Number.isFinite(time) ? clock.format(time) : at
}
