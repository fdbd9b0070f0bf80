import { expect, it } from 'vitest'
import { merge, type Line } from './lines'

const of = (...numbers: number[]): Line[] =>
  numbers.map((sequence) => ({ sequence, at: '2026-01-01T00:00:00.000Z', stream: 'out', text: `line ${sequence}`, releaseId: null }))
const numbers = (lines: readonly Line[]): number[] => lines.map((line) => line.sequence)

it.each([
  [[], [1, 2], [1, 2]],
  [[1, 2], [3, 4], [1, 2, 3, 4]],
  [[1, 2, 3], [2, 3, 4], [1, 2, 3, 4]],
  [[5, 6], [1, 2], [1, 2, 5, 6]],
  [[5, 6], [3, 4, 5], [3, 4, 5, 6]],
  [[1, 4], [2, 3], [1, 2, 3, 4]],
  [[1], [3, 2, 2, 3], [1, 2, 3]],
])('%j and %j make %j', (before, fresh, expected) => expect(numbers(merge(of(...before), of(...fresh)))).toEqual(expected))

it('nothing new leaves the list as it is', () => {
  const before = of(1, 2, 3)
  expect(merge(before, of(2, 3))).toBe(before)
  expect(merge(before, [])).toBe(before)
})

it('the oldest lines go first, but not those that were asked for', () => {
  expect(numbers(merge(of(1, 2, 3), of(4, 5), 3))).toEqual([3, 4, 5])
  expect(numbers(merge(of(4, 5, 6), of(1, 2, 3), 3))).toEqual([1, 2, 3, 4, 5, 6])
})
