import { describe, expect, it } from 'vitest'
import { placeOf, type LogLine } from './line'
import { holding, nextMatch, patternOf, spansOf } from './search'

const lines: LogLine[] = ['Listen on 80', 'GET /a-b?c=[1]', '\x1b[31mlis\x1b[0mten', 'İstanbul'].map((text, at) => ({
  sequence: (at + 1) * 10,
  at: '2026-01-01T00:00:00Z',
  stream: 'out',
  text,
}))

it.each([
  ['listen', [10, 30]],
  ['a-b?c=[1]', [20]],
  ['.', []],
  ['\\d', []],
  ['/a', [20]],
  ['stanbul', [40]],
  ['(((', []],
])('%j stands in %j', (query, expected) => expect(holding(lines, patternOf(query)!)).toEqual(expected))

it('an empty search is none', () => expect(patternOf('')).toBeNull())

it('places are right where a letter has no small twin of its length', () => {
  expect(spansOf('İİ ab AB', patternOf('ab')!)).toEqual([[3, 5], [6, 8]])
})

describe('next and previous', () => {
  it.each([
    [null, 1, 10],
    [null, -1, 40],
    [10, 1, 30],
    [40, 1, 10],
    [10, -1, 40],
    [20, -1, 10],
  ] as const)('from %j by %j comes %j', (from, step, expected) => expect(nextMatch([10, 30, 40], from, step)).toBe(expected))
  it('none of none', () => expect(nextMatch([], 3, 1)).toBeNull())
})

it.each([[5, 0], [10, 0], [11, 1], [40, 3], [99, 4]])('number %i has place %i', (sequence, place) => expect(placeOf(lines, sequence)).toBe(place))
