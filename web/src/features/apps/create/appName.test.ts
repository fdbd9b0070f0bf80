import { expect, it } from 'vitest'
import { freeName, isName, nameOf } from './appName'

it.each([
  ['https://git.example.org/team/shop.git', 'shop'],
  ['git@git.example.org:team/My_Shop.GIT', 'my-shop'],
  ['file:///srv/git/hello-node/', 'hello-node'],
  ['https://git.example.org/team/2048', ''],
  ['https://git.example.org/2fast-2furious', 'fast-2furious'],
  [`ssh://h/${'x'.repeat(39)}--y`, 'x'.repeat(39)],
  ['<script>alert(1)</script>', 'script'],
  ['', ''],
])('%s', (repository, name) => {
  expect(nameOf(repository)).toBe(name)
  if (name) expect(isName(name)).toBe(true)
})

it('refuses what the control plane refuses', () => {
  for (const bad of ['', 'A', '1a', '-a', 'a_b', 'a b', 'ä', 'x'.repeat(41)]) expect(isName(bad), bad).toBe(false)
})

it('finds a name nobody has', () => {
  expect(freeName('shop', new Set(['other']))).toBe('shop')
  expect(freeName('shop', new Set(['shop', 'shop-2']))).toBe('shop-3')
  expect(freeName('x'.repeat(40), new Set(['x'.repeat(40)]))).toBe(`${'x'.repeat(38)}-2`)
})
