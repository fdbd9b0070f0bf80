import { expect, it } from 'vitest'
import { entriesOf, isTypable } from './lines'

it.each([
  ['', []],
  ['required\nmax:20', ['required', 'max:20']],
  ['a\r\n\r\n b \n', ['a', ' b ']],
])('%j is %j', (typed, entries) => expect(entriesOf(typed)).toEqual(entries))

it.each([
  [['a', 'b c'], true],
  [[], true],
  [['a\nb'], false],
  [['a', ''], false],
])('%j can be typed: %s', (entries, can) => expect(isTypable(entries)).toBe(can))
