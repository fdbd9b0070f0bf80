import { expect, it } from 'vitest'
import { step } from './walk'

it.each([
  ['ArrowDown', 0, 1],
  ['ArrowUp', 0, null],
  ['ArrowDown', 4, null],
  ['Home', 3, 0],
  ['Home', 0, null],
  ['End', 1, 4],
  ['Enter', 1, null],
  [' ', 1, null],
])('%s from %i leads to %s', (key, at, to) => expect(step(key, at, 5)).toBe(to))
