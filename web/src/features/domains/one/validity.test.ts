import { expect, it } from 'vitest'
import { validity } from './validity'

const DAY = 86_400_000
const life = { from: 0, until: 90 * DAY }

it.each([
  ['in the middle', { now: 45 * DAY, next: 60 * DAY }, { over: 0.5, renewal: 60 / 90, daysLeft: 45 }],
  ['not begun, by a clock that is behind', { now: -DAY, next: 60 * DAY }, { over: 0, renewal: 60 / 90, daysLeft: 91 }],
  ['over', { now: 91 * DAY, next: null }, { over: 1, renewal: null, daysLeft: null }],
  ['tried after its end', { now: 80 * DAY, next: 95 * DAY }, { over: 80 / 90, renewal: null, daysLeft: 10 }],
])('%s', (_, when, shown) => expect(validity({ ...life, ...when })).toEqual(shown))

it('of no length is over', () => expect(validity({ from: DAY, until: DAY, next: null, now: DAY }).daysLeft).toBeNull())
