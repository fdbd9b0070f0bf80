import { expect, it } from 'vitest'
import { reach } from './plot'

it.each([
  [10, undefined, 11],
  [10, 100, 100],
  [200, 100, 200],
  [0, undefined, 1],
  [null, undefined, 1],
  [-5, undefined, 1],
  [NaN, undefined, 1],
  [5, NaN, 1],
  [Infinity, undefined, 1e30],
  [1, 1e308, 1e30],
])('values up to %s, at least %s: the axis ends at %s', (high, top, end) => expect(reach(high, top)).toBeCloseTo(end))
