import { expect, it } from 'vitest'
import { csrf } from './csrf'

it.each([
  ['https:', 'a=b; __Host-sf_csrf=one; sf_csrf=two', 'one'],
  ['https:', 'sf_csrf=two', ''],
  ['http:', '__Host-sf_csrf=one; sf_csrf=two', 'two'],
  ['http:', 'xsf_csrf=two', ''],
  ['http:', '', ''],
])('by %s of %s the token is %s', (protocol, cookies, token) => expect(csrf(protocol, cookies)).toBe(token))
