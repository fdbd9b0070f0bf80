import { expect, it } from 'vitest'
import { count, permille } from './amount'
import { ago, took, wall, wallTime } from './moment'

const NOW = Date.parse('2026-11-21T10:00:00Z')

it.each([
  [0, 'just now'],
  [-120_000, '2 minutes ago'],
  [7_200_000, 'in 2 hours'],
])('%i ms from now is %s', (difference, words) => expect(ago(NOW + difference, NOW)).toBe(words))

it('says of no time and of no number that they are unknown', () => {
  const shown = [ago(NaN, NOW), wall('yesterday'), wallTime(Infinity), took(NaN), count(NaN), permille(Infinity)]
  expect(shown).toEqual(Array(6).fill('–'))
})
