import { describe, expect, it } from 'vitest'
import { laters, picked } from './snooze'

const at = (hour: number, minute = 0, day = 27): Date => new Date(2026, 10, day, hour, minute)
const told = (now: Date): string[] => laters(now).map(({ key, at }) => `${key} ${at.getDate()} ${at.getHours()}:${String(at.getMinutes()).padStart(2, '0')}`)

describe('later', () => {
  it.each([
    ['in the morning', at(9, 30), ['hour 27 10:30', 'tonight 27 18:00', 'morning 28 8:00']],
    ['in the evening', at(17, 30), ['hour 27 18:30', 'tonight 27 21:00', 'morning 28 8:00']],
    ['at night', at(22, 15), ['hour 27 23:15', 'morning 28 8:00']],
    ['in the small hours', at(2), ['hour 27 3:00', 'tonight 27 18:00', 'morning 27 8:00']],
    ['at the end of a month', at(12, 0, 30), ['hour 30 13:00', 'tonight 30 18:00', 'morning 1 8:00']],
  ])('%s', (_name, now, expected) => expect(told(now)).toEqual(expected))
})

it.each([
  ['', 'empty'],
  ['2026-11-27T08:00', 'past'],
  ['2027-02-01T08:00', 'far'],
])('%s is refused: %s', (value, why) => expect(picked(value, at(9))).toBe(why))
it('takes what is within 30 days', () => expect(picked('2026-12-01T08:00', at(9))).toEqual({ at: new Date(2026, 11, 1, 8) }))
