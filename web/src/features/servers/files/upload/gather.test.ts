import { expect, it } from 'vitest'
import { emptyHanded, foldersOf, take } from './gather'
import { ITEMS_MAX } from './queue'

const file = { name: 'x', size: 1 } as File

it.each([
  [['a', 'b'], []],
  [['x/a', 'x/y/b', 'z/c'], ['x/y', 'z']],
  [['x/y/a', 'x/y2/b'], ['x/y', 'x/y2']],
])('%j need %j', (paths, folders) => expect(foldersOf(paths)).toEqual(folders))

it('refuses names that nothing new can have, and takes the others', () => {
  const into = emptyHanded()
  for (const path of ['a.txt', 'mods/b.jar', 'gnp.\u202eexe', '../up', 'a\\b', 'x//y']) take(into, path, file)
  expect(into.files.map(({ path }) => path)).toEqual(['a.txt', 'mods/b.jar'])
  expect(into.refused).toEqual(['gnp.\u202eexe', '../up', 'a\\b', 'x//y'])
})

it('stops at what a queue takes', () => {
  const into = emptyHanded()
  for (let at = 0; at < ITEMS_MAX; at++) expect(take(into, `f${at}`, file)).toBe(true)
  expect(take(into, 'one more', file)).toBe(false)
  expect([into.files.length, into.cut]).toEqual([ITEMS_MAX, true])
})
