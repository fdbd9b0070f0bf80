import { expect, it } from 'vitest'
import { preview } from './preview'

it('tells what a full replacement does, by name', () => {
  const before = [{ name: 'A', value: '1' }, { name: 'B', value: '2' }, { name: '', value: 'x' }]
  const after = [{ name: 'B', value: '3' }, { name: 'C', value: '4' }, { name: 'B', value: '2' }]
  expect(preview(before, after)).toEqual({ added: ['C'], changed: [], removed: ['A'] })
  expect(preview(before, [{ name: 'A', value: '9' }])).toEqual({ added: [], changed: ['A'], removed: ['B'] })
})
