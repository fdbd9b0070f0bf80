// By its own name: the whole library brings ways to compare words, sentences and values, too.
import { diffLines } from 'diff/lib/diff/line.js'

export interface Side {
  number: number
  text: string
}
export type Row = { kind: 'same' | 'changed'; left: Side | null; right: Side | null } | { kind: 'folded'; count: number }

/** Lines shown around what differs. */
const AROUND = 3

/** Two texts side by side; long parts that are the same are folded. */
export function rowsOf(before: string, after: string, isWhole = false): Row[] {
  const rows: Exclude<Row, { kind: 'folded' }>[] = []
  let [left, right] = [0, 0]
  let gone: Side[] = []
  const flush = (come: Side[] = []): void => {
    for (let at = 0; at < Math.max(gone.length, come.length); at++) rows.push({ kind: 'changed', left: gone[at] ?? null, right: come[at] ?? null })
    gone = []
  }
  for (const { value, added, removed } of diffLines(before, after)) {
    const lines = value.replace(/\n$/, '').split('\n')
    if (removed) {
      flush()
      gone = lines.map((text) => ({ number: ++left, text }))
    } else if (added) flush(lines.map((text) => ({ number: ++right, text })))
    else {
      flush()
      for (const text of lines) rows.push({ kind: 'same', left: { number: ++left, text }, right: { number: ++right, text } })
    }
  }
  flush()
  return isWhole ? rows : folded(rows)
}

function folded(rows: Exclude<Row, { kind: 'folded' }>[]): Row[] {
  const near = rows.map(() => false)
  for (const [at, { kind }] of rows.entries()) if (kind === 'changed') near.fill(true, Math.max(0, at - AROUND), at + AROUND + 1)
  const found: Row[] = []
  for (let at = 0; at < rows.length; at++) {
    if (near[at]) {
      found.push(rows[at]!)
      continue
    }
    const end = near.indexOf(true, at)
    const count = (end < 0 ? rows.length : end) - at
    // One line takes no more room than the word that it is folded.
    if (count === 1) found.push(rows[at]!)
    else found.push({ kind: 'folded', count })
    at += count - 1
  }
  return found
}
