import { describe, expect, it } from 'vitest'
import { fieldOf } from './account'

describe('fieldOf', () => {
  it.each([
    [{ code: 'setup.wrong', field: null }, 'code'],
    [{ code: 'setup.over', field: null }, 'code'],
    [{ code: 'password.common', field: null }, 'password'],
    [{ code: 'request.invalid', field: 'email' }, 'email'],
    [{ code: 'setup.done', field: null }, null],
    [{ code: 'auth.throttled', field: null }, null],
  ])('%o', (problem, field) => expect(fieldOf(problem)).toBe(field))
})
