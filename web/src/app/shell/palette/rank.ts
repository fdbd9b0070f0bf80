/** What can be found: its texts are folded once, so that a keystroke costs no more than comparing. */
export interface Findable {
  /** Folded label. */
  folded: string
  /** Folded other words it answers to. */
  words: string
}

/** Case and accents do not count. */
export const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Letters a loose match may skip, for each letter asked for. */
const LOOSENESS = 3
/** Other words count less than the name. */
const WORD_SHARE = 0.6

const isWordStart = (text: string, at: number): boolean => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!)

function loose(token: string, text: string): number {
  if (token.length < 2) return 0
  let at = -1
  let first = -1
  let starts = 0
  for (const letter of token) {
    at = text.indexOf(letter, at + 1)
    if (at < 0) return 0
    if (first < 0) first = at
    if (isWordStart(text, at)) starts++
  }
  const skipped = at - first + 1 - token.length
  if (skipped > token.length * LOOSENESS || (starts === 0 && (token.length < 3 || skipped > 1))) return 0
  return Math.max(1, 10 + (20 * starts) / token.length - skipped)
}

/** How well one word of the question is met: 120 whole, 100 beginning, 80 a word's beginning, 50 inside, below that loosely. */
export function met(token: string, text: string): number {
  const found = text.indexOf(token)
  if (found < 0) return loose(token, text)
  if (found === 0) return text.length === token.length ? 120 : 100
  for (let at = found; at >= 0; at = text.indexOf(token, at + 1)) {
    if (isWordStart(text, at)) return 80 - Math.min(at, 20) / 2
  }
  return 50 - Math.min(found, 20) / 2
}

/** What meets every word of a question, best first; equals keep their order. `bonus` prefers what was used lately. */
export function rank<T extends Findable>(question: string, all: readonly T[], bonus: (entry: T) => number = () => 0): T[] {
  const tokens = fold(question).split(/\s+/).filter(Boolean)
  if (tokens.length === 0) return [...all]
  const ranked: { entry: T; score: number }[] = []
  next: for (const entry of all) {
    let sum = 0
    for (const token of tokens) {
      const score = Math.max(met(token, entry.folded), entry.words ? met(token, entry.words) * WORD_SHARE : 0)
      if (score === 0) continue next
      sum += score
    }
    // Of two names that begin alike the shorter one was meant.
    ranked.push({ entry, score: sum / tokens.length - Math.min(entry.folded.length, 60) / 10 + bonus(entry) })
  }
  return ranked.sort((a, b) => b.score - a.score).map(({ entry }) => entry)
}
