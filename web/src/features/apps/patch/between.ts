/** The part of a text that becomes another one, in bytes of UTF-8. */
export interface Part {
  from: number
  to: number
  text: string
}

const bytes = (text: string): number => new TextEncoder().encode(text).length
/** The second half of a character that takes two units. */
const isHalf = (text: string, at: number): boolean => at > 0 && at < text.length && /[\uDC00-\uDFFF]/.test(text[at]!)

/** What differs between two texts: a large file with a small change fits into one order. */
export function between(before: string, after: string): Part {
  const most = Math.min(before.length, after.length)
  let head = 0
  while (head < most && before[head] === after[head]) head++
  if (isHalf(before, head) || isHalf(after, head)) head--
  let tail = 0
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++
  if (isHalf(before, before.length - tail) || isHalf(after, after.length - tail)) tail--
  const from = bytes(before.slice(0, head))
  return { from, to: from + bytes(before.slice(head, before.length - tail)), text: after.slice(head, after.length - tail) }
}
