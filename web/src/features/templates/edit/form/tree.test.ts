import { expect, it } from 'vitest'
import { valueAt, withAdded, withMoved, withoutOne, withValue } from './tree'

const document = { name: 'a', variables: [{ env: 'A', rules: ['required'] }, { env: 'B' }], stop: { kind: 'signal', signal: 'SIGTERM' } }

it.each([
  ['name', 'a'],
  ['variables[0].rules[0]', 'required'],
  ['variables[1].rules', undefined],
  ['variables[7].env', undefined],
  ['name.constructor', undefined],
  ['toString', undefined],
])('%s is %j', (place, value) => expect(valueAt(document, place)).toEqual(value))

it('changes one place, and nothing that was given', () => {
  const before = structuredClone(document)
  const after = withValue(document, 'variables[1].env', 'C')
  expect(after.variables).toEqual([{ env: 'A', rules: ['required'] }, { env: 'C' }])
  expect((after.variables as unknown[])[0]).toBe(document.variables[0])
  expect(document).toEqual(before)
})

it('takes a field out, and makes what is above one', () => {
  expect(withValue(document, 'stop.signal', undefined).stop).toEqual({ kind: 'signal' })
  expect(withValue({}, 'install.script', 'true')).toEqual({ install: { script: 'true' } })
  expect(withValue({}, 'ready.lines[0].text', 'up')).toEqual({ ready: { lines: [{ text: 'up' }] } })
})

it('keeps the place of a field', () => expect(Object.keys(withValue(document, 'name', 'b'))).toEqual(['name', 'variables', 'stop']))

it('a field of an odd name is a field', () => {
  const after = withValue({}, '__proto__.x', 1)
  expect(Object.getPrototypeOf(after)).toBe(Object.prototype)
  expect(JSON.stringify(after)).toBe('{"__proto__":{"x":1}}')
})

it('adds, moves and removes', () => {
  const envs = (given: Record<string, unknown>) => (given.variables as { env: string }[] | undefined)?.map(({ env }) => env)
  const three = withAdded(document, 'variables', { env: 'C' })
  expect(envs(three)).toEqual(['A', 'B', 'C'])
  expect(envs(withMoved(three, 'variables', 2, -1))).toEqual(['A', 'C', 'B'])
  expect(envs(withMoved(three, 'variables', 0, -1))).toEqual(['A', 'B', 'C'])
  expect(envs(withMoved(three, 'variables', 0, 9))).toEqual(['B', 'C', 'A'])
  expect(envs(withoutOne(three, 'variables', 1, false))).toEqual(['A', 'C'])
  expect('tags' in withoutOne({ tags: ['x'] }, 'tags', 0, false)).toBe(false)
  expect(withoutOne({ startups: ['x'] }, 'startups', 0, true)).toEqual({ startups: [] })
})
