import { expect, it } from 'vitest'
import { arrange, readSort, turned, writeSort, type Entry } from './order'

const entry = (name: string, bytes: number, more: Partial<Entry> = {}): Entry => ({ name, kind: 'file', bytes, mode: '644', modifiedAt: `2026-01-0${bytes}T00:00:00Z`, links: 1, denied: false, ...more })
const entries = [entry('b10', 1), entry('b9', 3), entry('Logs', 2, { kind: 'folder' }), entry('a', 2), entry(String.raw`x\x0a`, 3)]
const names = (sort: string, filter = '', whole = true) => arrange(entries, { sort: readSort(sort), filter, whole }).map(({ name }) => name)

it.each([
  ['', ['Logs', 'a', 'b9', 'b10', String.raw`x\x0a`]],
  ['-name', ['Logs', String.raw`x\x0a`, 'b10', 'b9', 'a']],
  ['-size', ['Logs', String.raw`x\x0a`, 'b9', 'a', 'b10']],
  ['size', ['Logs', 'b10', 'a', 'b9', String.raw`x\x0a`]],
  ['-modified', ['Logs', String.raw`x\x0a`, 'b9', 'a', 'b10']],
])('by %j', (sort, expected) => expect(names(sort)).toEqual(expected))

it('what is read page by page stays in the order of the machine', () => expect(names('-size', '', false)).toEqual(entries.map(({ name }) => name)))
it('is filtered by a part of the name, whatever its case', () => expect(names('', 'LO')).toEqual(['Logs']))
it('leaves what it was given alone', () => expect(entries[0]!.name).toBe('b10'))

it.each([['size', 'size'], ['-size', '-size'], ['name', ''], ['-name', '-name'], ['other', ''], ['', '']])('%j in the address is %j', (text, written) => expect(writeSort(readSort(text))).toBe(written))
it('turns round when pressed again', () => {
  expect(turned(readSort(''), 'size')).toEqual({ by: 'size', down: true })
  expect(turned(readSort('-size'), 'size')).toEqual({ by: 'size', down: false })
  expect(turned(readSort('-size'), 'name')).toEqual({ by: 'name', down: false })
})
