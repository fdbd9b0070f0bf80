import { plainText } from './ansi'
import type { LogLine } from './line'

/** A search as a pattern: the words as typed, whatever their case. Null where nothing is searched. */
export function patternOf(query: string): RegExp | null {
  return query === '' ? null : new RegExp(query.replace(/[.*+?^${}()|[\]\\/-]/g, (char) => `\\${char}`).replace(/\\-/g, '\\x2d'), 'giu')
}

/** Numbers of the lines between two places that hold the pattern, ascending. */
export function holding(lines: readonly LogLine[], pattern: RegExp, from = 0, to = lines.length): number[] {
  const found: number[] = []
  for (let at = from; at < to; at++) {
    pattern.lastIndex = 0
    if (pattern.test(plainText(lines[at]!.text))) found.push(lines[at]!.sequence)
  }
  return found
}

/** Where the pattern stands in a text, as [from, to), without overlaps. */
export function spansOf(text: string, pattern: RegExp): [number, number][] {
  const spans: [number, number][] = []
  pattern.lastIndex = 0
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    if (found[0] === '') break
    spans.push([found.index, found.index + found[0].length])
  }
  return spans
}

/** The match after (or before) a line, round at the end; null where there is none. */
export function nextMatch(found: readonly number[], from: number | null, step: 1 | -1): number | null {
  if (found.length === 0) return null
  if (from === null) return step === 1 ? found[0]! : found.at(-1)!
  if (step === 1) return found.find((sequence) => sequence > from) ?? found[0]!
  return found.findLast((sequence) => sequence < from) ?? found.at(-1)!
}
