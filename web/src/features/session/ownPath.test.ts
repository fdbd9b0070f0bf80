import { expect, it } from 'vitest'
import { ownPath } from './ownPath'

const ORIGIN = 'https://panel.example.org'

it.each([
  ['/apps', '/apps'],
  ['/apps?q=a#L3', '/apps?q=a#L3'],
  [undefined, '/'],
  [['/apps'], '/'],
  ['apps', '/'],
  ['https://evil.example', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/login?next=/apps', '/'],
  ['/api/v1/auth/me', '/'],
])('%j leads to %j', (next, expected) => {
  expect(ownPath(next, ORIGIN)).toBe(expected)
})
