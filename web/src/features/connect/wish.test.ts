import { expect, it } from 'vitest'
import { mayGo, wishOf } from './wish'

it('reads what a program asks for, and nothing that is there twice', () => {
  const search = '?client_id=https%3A%2F%2Fa.example%2Fc.json&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcb&state=a%20b&prompt=none'
  expect(wishOf(search)).toEqual({ clientId: 'https://a.example/c.json', redirectUri: 'http://127.0.0.1:7/cb', state: 'a b' })
  expect(wishOf(`${search}&redirect_uri=https%3A%2F%2Fevil.example`)).not.toHaveProperty('redirectUri')
  expect(wishOf('')).toEqual({})
})

it.each([
  ['https://a.example/cb?code=x', true],
  ['http://127.0.0.1:7/cb', true],
  ['cursor://anysphere.cursor-mcp/cb', true],
  ['javascript:alert(1)', false],
  [' JavaScript:alert(1)', false],
  ['data:text/html,x', false],
  ['blob:https://a.example/x', false],
  ['/cb', false],
  ['', false],
])('goes to %s: %s', (uri, expected) => expect(mayGo(uri)).toBe(expected))
