import { expect, it } from 'vitest'
import { spanOf, spanState } from './span'

const NOW = Date.parse('2026-11-27T10:00:00Z')
const at = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString()

it.each([
  [-2, 2, 'running'],
  [1, 2, 'later'],
  [-3, -1, 'over'],
])('from %i to %i hours is %s', (from, until, state) => expect(spanState({ startsAt: at(from), endsAt: at(until) }, NOW)).toBe(state))

it.each([
  ['', '', 'needed'],
  [at(2), at(1), 'order'],
  ['', at(-1), 'order'],
  ['', at(5), { startsAt: null, endsAt: at(5) }],
  [at(1), at(5), { startsAt: at(1), endsAt: at(5) }],
])('%s to %s', (from, until, told) => expect(spanOf(from, until, NOW)).toEqual(told))
