import { expect, it } from 'vitest'
import { cleanCode, waitOf } from './useSignIn'

const NOW = Date.parse('2026-11-21T10:00:00.000Z')
const refused = { code: 'auth.throttled', status: 429, message: '', retryAfterMs: 1_000 }

it('waits until the moment told, then as long as the header says', () => {
  expect(waitOf({ ...refused, message: 'too many attempts; the next one is taken at 2026-11-21T10:00:32.500Z' }, NOW)).toBe(32_500)
  expect(waitOf({ ...refused, retryAfterMs: 7_000 }, NOW)).toBe(7_000)
  expect(waitOf({ ...refused, retryAfterMs: null }, NOW)).toBe(1_000)
})

it('never waits less than a second, and not at all for other answers', () => {
  expect(waitOf({ ...refused, message: 'taken at 2026-11-21T09:59:00Z' }, NOW)).toBe(1_000)
  expect(waitOf({ ...refused, status: 401 }, NOW)).toBeNull()
})

it('takes digits as apps show them, and recovery codes as they were kept', () => {
  expect(cleanCode(' 123 456 ', 'totp')).toBe('123456')
  expect(cleanCode(' abcd-ef12 ', 'recovery')).toBe('abcd-ef12')
})
