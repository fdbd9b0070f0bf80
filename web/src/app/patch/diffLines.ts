/** A line of a difference in the unified form. */
export interface DiffLine {
  kind: 'head' | 'place' | 'added' | 'removed' | 'same'
  text: string
  /** Its number in the file before and after, where it has one. */
  before: number | null
  after: number | null
}

/** Reads a unified difference of one file. */
export function diffLines(diff: string): DiffLine[] {
  let before = 0
  let after = 0
  let inHead = true
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .filter((line) => line !== '' || !inHead)
    .map((line): DiffLine => {
      const place = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line)
      if (place) {
        inHead = false
        before = Number(place[1])
        after = Number(place[2])
        return { kind: 'place', text: line, before: null, after: null }
      }
      if (inHead || line.startsWith('\\')) return { kind: 'head', text: line, before: null, after: null }
      const text = line.slice(1)
      if (line.startsWith('+')) return { kind: 'added', text, before: null, after: after++ }
      if (line.startsWith('-')) return { kind: 'removed', text, before: before++, after: null }
      return { kind: 'same', text, before: before++, after: after++ }
    })
}
