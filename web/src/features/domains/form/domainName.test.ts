import { expect, it } from 'vitest'
import { text } from '@/locales/en/traffic/domains'
import { domainName, isUrlPath } from './domainName'

it.each([
  ['example.org', 'example.org'],
  ['Shop.Example.ORG.', 'shop.example.org'],
  [' xn--mnchen-3ya.example ', 'xn--mnchen-3ya.example'],
  ['1and1.example', '1and1.example'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
])('%s is kept as %s', (typed, name) => expect(domainName(typed)).toEqual({ name }))

it.each([
  ['', 'empty'],
  ['.', 'empty'],
  ['exam\nple.org', 'label'],
  ['example.org;', 'label'],
  ['a.example;}', 'label'],
  ['"a.example"', 'label'],
  ['$host.example', 'label'],
  ['a..example', 'label'],
  ['-a.example', 'label'],
  ['a-.example', 'label'],
  ['a.example:80', 'label'],
  ['https://a.example/x', 'label'],
  [`${'a'.repeat(64)}.example`, 'label'],
  ['localhost', 'onePart'],
  ['192.0.2.1', 'address'],
  ['*.example.org', 'wildcard'],
  ['münchen.example', 'notAscii'],
  ['a.'.repeat(127) + 'example', 'length'],
] as const)('%j is no domain: %s', (typed, why) => expect(domainName(typed)).toEqual({ refused: text.refused[why] }))

it.each(['/api', '/files/v1', '/a-b_c.d~e', `/${'a'.repeat(199)}`])('%s is a path', (path) => expect(isUrlPath(path)).toBe(true))

it.each(['', '/', 'api', '/api/', '//api', '/a/../b', '/.', '/a b', '/a;b', '/a{', '/a\n', '/$host', '/a%2fb', '/.well-known', '/.well-known/acme-challenge', `/${'a'.repeat(200)}`])(
  '%j is none',
  (path) => expect(isUrlPath(path)).toBe(false),
)
