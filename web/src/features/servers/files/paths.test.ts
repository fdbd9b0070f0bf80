import { expect, it } from 'vitest'
import { crumbsOf, freeName, isArchive, isWithin, join, justBefore, nameOf, nameProblem, parentOf, pathProblem, piecesOf, tidy } from './paths'

it('walks paths', () => {
  expect([join('', 'a'), join('a/b', 'c')]).toEqual(['a', 'a/b/c'])
  expect([parentOf('a/b/c'), parentOf('a'), parentOf('')]).toEqual(['a/b', '', ''])
  expect([nameOf('a/b'), nameOf('a'), nameOf('')]).toEqual(['b', 'a', ''])
  expect(crumbsOf('a/b')).toEqual([{ name: 'a', path: 'a' }, { name: 'b', path: 'a/b' }])
  expect(crumbsOf('')).toEqual([])
  expect([isWithin('a/b', 'a'), isWithin('ab', 'a'), isWithin('a', 'a'), isWithin('x', '')]).toEqual([true, false, true, true])
})

it.each([['/a//b/', 'a/b'], [undefined, ''], [['a'], ''], ['', '']])('%j in the address is %j', (found, path) => expect(tidy(found)).toBe(path))

it.each([
  ['plain.txt', [['plain.txt', false]]],
  [String.raw`a\x0ab`, [['a', false], [String.raw`\x0a`, true], ['b', false]]],
  [String.raw`gnp.\xe2\x80\xaeexe`, [['gnp.', false], [String.raw`\xe2\x80\xae`, true], ['exe', false]]],
  // A file that is really called `\x0a`.
  [String.raw`\\x0a`, [[String.raw`\x0a`, false]]],
  ['', []],
])('%s is shown in pieces', (name, pieces) => expect(piecesOf(name).map(({ text, isByte }) => [text, isByte])).toEqual(pieces))

it.each([
  ['a b.txt', null],
  ['ä€', null],
  ['', 'empty'],
  ['a/b', 'slash'],
  ['.', 'dots'],
  ['..', 'dots'],
  ['a\nb', 'unseen'],
  ['gnp.\u202eexe', 'unseen'],
  ['\x1b[2J', 'unseen'],
  ['a\\b', 'backslash'],
  ['ä'.repeat(128), 'long'],
  ['a'.repeat(255), null],
])('%j may be a name: %j', (name, problem) => expect(nameProblem(name)).toBe(problem))

it.each([
  ['', null],
  ['/', null],
  ['a/b', null],
  [String.raw`a\x0a/b`, null],
  ['a//b', 'empty'],
  ['../b', 'dots'],
  ['a/\u202eb', 'unseen'],
  [Array.from({ length: 500 }, () => 'abcdefghi').join('/'), 'long'],
])('%j may be a path: %j', (path, problem) => expect(pathProblem(path)).toBe(problem))

it('finds a name that is free', () => {
  expect(freeName('a.zip', new Set())).toBe('a.zip')
  expect(freeName('a.zip', new Set(['a.zip', 'a (2).zip']))).toBe('a (3).zip')
  expect(freeName('a.tar.gz', new Set(['a.tar.gz']))).toBe('a (2).tar.gz')
  expect(freeName('.env', new Set(['.env']))).toBe('.env (2)')
})

it.each([['a.zip', true], ['a.TAR.GZ', true], ['a.tgz', true], ['a.tar', true], ['zip', false], ['a.rar', false]])('%s is an archive: %s', (name, is) => expect(isArchive(name)).toBe(is))

it.each([
  ['', ''],
  ['b', String.raw`\x61\xff`],
  ['a0', String.raw`\x61\x2e\xff`],
  ['ä', String.raw`\xc3\xa3\xff`],
  [String.raw`a\x0a`, String.raw`\x61\x09\xff`],
  [String.raw`a\\`, String.raw`\x61\x5b\xff`],
  [String.raw`\x01`, ''],
])('a list that begins at %s is after %s', (name, before) => expect(justBefore(name)).toBe(before))
