import { describe, expect, it } from 'vitest'
import { isLongEnough, lengthOf } from './password'

describe('lengthOf', () => {
  it('counts letters', () => expect(lengthOf('correct horse')).toBe(13))
  it('counts a sign beyond the basic plane once', () => expect(lengthOf('🐎🐎')).toBe(2))
})

it('is long enough from fifteen characters on', () => {
  expect(isLongEnough('12345678901234')).toBe(false)
  expect(isLongEnough('123456789012345')).toBe(true)
  expect(isLongEnough('🐎'.repeat(8))).toBe(false)
})
