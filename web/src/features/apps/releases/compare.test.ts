import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { pick, readPair, stepsOf } from './compare'

it.each([
  ['3..5', [3, 5]],
  ['5..3', [3, 5]],
  ...['3..3', '0..1', '', '3', '3..', 'a..b', '1..2..3', '99999999999..1'].map((bad): [string, null] => [bad, null]),
])('reads %j', (text, pair) => expect(readPair(text as string)).toEqual(pair))

it('holds two picks', () => {
  expect(pick([], 1)).toEqual([1])
  expect(pick([1], 1)).toEqual([])
  expect(pick([1, 2], 3)).toEqual([2, 3])
})

it('lays steps side by side', () => {
  const release = (...timings: [string, number][]) => ({ timings: timings.map(([step, tookMs]) => ({ step, tookMs })) }) as unknown as Schemas['Release']
  expect(stepsOf(release(['fetch', 1], ['health', 2]), release(['fetch', 3], ['return', 4]))).toEqual([
    { step: 'fetch', a: 1, b: 3 },
    { step: 'health', a: 2, b: null },
    { step: 'return', a: null, b: 4 },
  ])
})
