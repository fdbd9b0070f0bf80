import { describe, expect, it } from 'vitest'
import { found, share, withNames } from './picking'

const permission = (name: string, ...actions: string[]) => ({ name, verb: name.split(':')[1]!, actions })
const categories = [
  { name: 'app', title: 'Apps', panel: true, permissions: [permission('app:view'), permission('app:deploy', 'Deploy', 'Roll back')] },
  { name: 'node', title: 'Nodes', panel: false, permissions: [permission('node:view')] },
]

describe('found', () => {
  it('finds by name, by category and by what needs it', () => {
    expect(found(categories, 'roll').flatMap(({ permissions }) => permissions.map(({ name }) => name))).toEqual(['app:deploy'])
    expect(found(categories, 'apps')[0]!.permissions).toHaveLength(2)
    expect(found(categories, 'VIEW')).toHaveLength(2)
    expect(found(categories, 'nothing of this')).toEqual([])
    expect(found(categories, '  ')).toHaveLength(2)
  })
})

it('tells how much of a category is chosen', () => {
  expect(share(categories[0]!, new Set())).toBe('none')
  expect(share(categories[0]!, new Set(['app:view', 'node:view']))).toBe('some')
  expect(share(categories[0]!, new Set(['app:view', 'app:deploy']))).toBe('all')
})

describe('withNames', () => {
  it('keeps the order of the categories whatever was ticked first', () => {
    expect(withNames(['node:view'], ['app:view'], true, categories)).toEqual(['app:view', 'node:view'])
    expect(withNames(['app:view', 'node:view'], ['app:view', 'app:deploy'], false, categories)).toEqual(['node:view'])
  })
  it('never drops what it does not know', () => {
    expect(withNames(['new:thing'], ['app:view'], true, categories)).toEqual(['app:view', 'new:thing'])
  })
})
