// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from 'vitest'
import { asFields, asWords, useKept } from './kept'

beforeEach(() => localStorage.clear())

it.each([
  ['["a","b"]', ['a', 'b']],
  ['["a",1,null]', ['a']],
  ['"a"', []],
  ['null', []],
  ['}{', []],
  ['', []],
])('%s is kept as %j, and nobody is told of it', (raw, expected) => {
  const said = vi.spyOn(console, 'error')
  localStorage.setItem('serverflow.words', raw)
  expect(useKept<string[]>('words', [], asWords).value).toEqual(expected)
  expect(said).not.toHaveBeenCalled()
})

it.each([
  [{ theme: 'dark' }, { theme: 'dark' }],
  [null, {}],
  [5, {}],
  ['dark', {}],
])('fields of %j', (found, expected) => expect(asFields(found)).toEqual(expected))
