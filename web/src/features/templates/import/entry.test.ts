import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { fatesOf, type Entry, type Read } from './entry'

let key = 0
const egg = (name: string, hash: string, more: Partial<Schemas['Egg']> = {}): Read => ({ kind: 'read', egg: { format: 'PTDL_v2', ok: true, document: { name } as never, hash, defects: [], warnings: [], needs: [], stop: 'SIGTERM', ...more } })
const entry = (file: string, read: Read, more: Partial<Entry> = {}): Entry => ({ key: key++, file, bytes: 1, read, taken: true, result: null, ...more })
const alt = (name: string, hash: string) => ({ id: name, name, hash, version: 4 }) as Schemas['Alt']
const kinds = (entries: Entry[], known: Schemas['Alt'][] = []) => [...fatesOf(entries, known).values()].map(({ kind }) => kind)

it('is new where the category has none of its name', () => expect(kinds([entry('a', egg('Paper', '1'))], [alt('Rust', '1')])).toEqual(['new']))

it('is the next version of the one of its name, and nothing where that says the same', () => {
  const known = [alt('Paper', '1')]
  expect(fatesOf([entry('a', egg('Paper', '2'))], known).values().next().value).toEqual({ kind: 'version', alt: known[0] })
  expect(kinds([entry('a', egg('Paper', '1'))], known)).toEqual(['same'])
})

it('tells twins and files of one name apart, by the first of them', () => {
  const files = [entry('a.json', egg('Paper', '1')), entry('b.yaml', egg('Paper', '1')), entry('c.json', egg('Paper', '3'))]
  const [, twin, clash] = [...fatesOf(files, []).values()]
  expect([twin, clash]).toEqual([{ kind: 'twin', file: 'a.json' }, { kind: 'clash', file: 'a.json' }])
  // Where the first is left out, the next one takes its place.
  files[0]!.taken = false
  expect(kinds(files)).toEqual(['left', 'new', 'clash'])
})

it('goes no further where it is no egg, or none that can be kept', () => {
  const defects = [{ place: 'name', message: 'It is empty.', fix: 'Write one.' }]
  expect(kinds([entry('a', { kind: 'reading' }), entry('b', { kind: 'refused', why: { message: 'x', fix: 'y' }, passing: false }), entry('c', egg('', '1', { ok: false, defects }))])).toEqual(['reading', 'refused', 'refused'])
})

it('is over once it was imported', () => {
  const files = [entry('a', egg('Paper', '1'), { result: { kind: 'kept', alt: 'x' } }), entry('b', egg('Paper', '2'), { result: { kind: 'waits' } })]
  expect(kinds(files, [alt('Paper', '1')])).toEqual(['done', 'waits'])
})
