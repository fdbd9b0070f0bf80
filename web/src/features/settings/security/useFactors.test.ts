import { expect, it } from 'vitest'
import { codeOf } from './useFactors'

it.each([
  ['123 456', '123456'],
  [' 123456 ', '123456'],
  [' k7f0-9qx0 ', 'k7f0-9qx0'],
])('%j is sent as %j', (typed, sent) => expect(codeOf(typed)).toBe(sent))
