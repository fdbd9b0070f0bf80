import { expect, it } from 'vitest'
import { secondsOf, timeOf } from './seconds'

it.each([
  ['30', 30_000],
  ['0.5', 500],
  ['0,25', 250],
  [' 1 ', 1_000],
  ['', ''],
  ['-1', '-1'],
  ['soon', 'soon'],
  ['1e3', '1e3'],
])('%j is %j', (typed, time) => expect(timeOf(typed)).toBe(time))

it.each([
  [30_000, '30'],
  [1_500, '1.5'],
  ['soon', 'soon'],
  [undefined, ''],
])('%j is typed as %j', (value, typed) => expect(secondsOf(value)).toBe(typed))
