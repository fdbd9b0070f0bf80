import { describe, expect, it } from 'vitest'
import { changeOf, difference, draftOf, newDraft } from './draft'

const role = { id: 'r-1', title: 'Release', description: 'For releases', builtIn: false, people: 2, permissions: ['app:view', 'app:deploy'] }

it('tells what is added and what is taken out', () => {
  expect(difference(['a', 'b'], ['b', 'c'])).toEqual({ added: ['c'], removed: ['a'] })
  expect(difference(['a', 'b'], ['b', 'a'])).toEqual({ added: [], removed: [] })
})

describe('changeOf', () => {
  it('sends only what differs', () => {
    expect(changeOf(role, draftOf(role))).toEqual({})
    expect(changeOf(role, { ...draftOf(role), name: ' Releases ' })).toEqual({ name: 'Releases' })
    expect(changeOf(role, { ...draftOf(role), permissions: ['app:view'] })).toEqual({ permissions: ['app:view'] })
    expect(changeOf(role, { ...draftOf(role), description: '' })).toEqual({ description: '' })
  })
})

it('begins a new one like another, and shares nothing with it', () => {
  const draft = newDraft(role)
  draft.permissions.push('node:view')
  expect(role.permissions).toEqual(['app:view', 'app:deploy'])
  expect(draft.id).toBeNull()
})
