import { expect, it } from 'vitest'
import { objectBody, objectName, objectRef } from './objects'

it.each([
  [{ kind: 'tenant' }, 'tenant', { kind: 'tenant' }],
  [{ kind: 'tenant', id: null }, 'tenant', { kind: 'tenant' }],
  [{ kind: 'app', id: 'a-1' }, 'app:a-1', { kind: 'app', id: 'a-1' }],
  [{ kind: 'project', id: 'p-1' }, 'project:p-1', { kind: 'project', id: 'p-1' }],
])('%j is %s and back', (object, ref, body) => {
  expect(objectRef(object)).toBe(ref)
  expect(objectBody(ref)).toEqual(body)
})

it('takes what cannot be read for the team, never for something else', () => {
  for (const ref of ['', ':', 'app:', ':x', '*:x', 'constructor:x']) expect(objectBody(ref)).toEqual({ kind: 'tenant' })
})

it('tells an object by its name, and one that is gone by its id', () => {
  expect(objectName({ kind: 'app', id: 'a-1', name: 'shop' })).toBe('App shop')
  expect(objectName({ kind: 'tenant' })).toBe('The whole team')
  expect(objectName({ kind: 'node', id: '00000000-000123', name: null })).toBe('Node 000123, which is gone')
})
