import { expect, it } from 'vitest'
import { clockAhead, learn, serverNow } from './clock'

const local = Date.parse('2026-11-21T10:00:00Z')

it.each<[string, string | undefined, number]>([
  ['travel time is no difference', '2026-11-21T10:00:01.500Z', 0],
  ['ahead by hours', '2026-11-21T15:00:00Z', 5 * 3_600_000],
  ['behind by minutes', '2026-11-21T09:55:00Z', -300_000],
])('%s', (_, told, expected) => {
  learn(told, local)
  expect(clockAhead.value).toBe(expected)
})

it('what is no time teaches nothing', () => {
  learn('2026-11-21T15:00:00Z', local)
  learn(undefined, local)
  learn('yesterday', local)
  expect(clockAhead.value).toBe(5 * 3_600_000)
  expect(Math.abs(serverNow() - Date.now() - 5 * 3_600_000)).toBeLessThan(1_000)
})
