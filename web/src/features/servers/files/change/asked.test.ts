import { expect, it } from 'vitest'
import { begin, trouble, type OfPath } from './asked'

const entry = (name: string, kind = 'file') => ({ name, kind, bytes: 1, mode: '644', modifiedAt: '', links: 1, denied: false })
const taken = new Set(['a.txt', 'b.txt', 'logs'])
const rename: OfPath = { kind: 'rename', entry: entry('a.txt') }
const copy: OfPath = { kind: 'copy', entry: entry('a.txt') }
const move: OfPath = { kind: 'move', entries: [entry('a.txt'), entry('logs', 'folder')] }

it('forms begin with what is likely', () => {
  expect(begin(rename, 'x', taken)).toBe('a.txt')
  expect(begin(copy, 'x', taken)).toBe('x/a (2).txt')
  expect(begin(move, 'x', taken)).toBe('x')
  expect(begin({ kind: 'newFile' }, 'x', taken)).toBe('')
})

it.each<[OfPath, string, string | null]>([
  [{ kind: 'newFile' }, '', 'empty'],
  [{ kind: 'newFile' }, 'a.txt', 'there'],
  [{ kind: 'newFile' }, ' c.txt ', null],
  [{ kind: 'newFolder' }, 'a/b', 'slash'],
  [{ kind: 'newFolder' }, '..', 'dots'],
  [rename, 'a.txt', 'same'],
  [rename, 'b.txt', 'there'],
  [rename, 'A.txt', null],
  [rename, 'gnp.\u202eexe', 'unseen'],
  // What was called so before is called otherwise: no backslash is given anew.
  [{ kind: 'rename', entry: entry(String.raw`a\x0ab`) }, String.raw`a\x0ab`, 'same'],
  [{ kind: 'rename', entry: entry(String.raw`a\x0ab`) }, String.raw`a\x0ac`, 'backslash'],
  [copy, '', 'empty'],
  [copy, '/', 'empty'],
  [copy, 'x/b.txt', 'there'],
  [copy, '/b.txt/', null],
  [copy, '../b', 'dots'],
  [move, 'x', 'sameFolder'],
  [move, '/x/', 'sameFolder'],
  [move, '', null],
  [move, 'x/logs', 'inItself'],
  [move, 'x/logs/deep', 'inItself'],
  [move, 'x/logs2', null],
  [move, 'x/a.txt', null],
])('%j to %j: %j', (asked, typed, expected) => expect(trouble(asked, typed, 'x', taken)).toBe(expected))
