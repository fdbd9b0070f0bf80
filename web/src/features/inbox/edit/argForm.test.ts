import { expect, it } from 'vitest'
import { argsFrom, formOf, isChanged } from './argForm'

const schema = { properties: { app: { type: 'string', 'x-target': 'app' }, count: { type: ['integer', 'null'] }, settings: { type: 'object', properties: { port: { type: 'integer' } } } }, required: ['app'] }
const args = { app: 'a', count: null, settings: { port: 80 } }

it('makes a form of what the action says of its arguments', () => {
  expect(formOf(schema, args)?.map(({ name, control }) => [name, control])).toEqual([['app', 'text'], ['count', 'integer'], ['settings', 'group']])
})

it.each([
  ['no schema', null, args],
  ['a schema without fields', { anyOf: [{ type: 'object' }] }, args],
  ['an argument that the schema does not know', schema, { ...args, extra: 1 }],
  ['arguments that are no object', schema, [1]],
])('leaves %s to JSON', (_, schema, args) => expect(formOf(schema, args)).toBeNull())

it('knows a change from none', () => {
  expect(isChanged({ settings: { port: 80 }, app: 'a' }, args)).toBe(false)
  expect(isChanged({ ...args, count: 0 }, args)).toBe(true)
  expect(isChanged({ ...args, settings: { port: 81 } }, args)).toBe(true)
})

it.each([['{"app": }', { wrong: expect.any(String) }], ['[1]', { wrong: null }], ['', { wrong: expect.any(String) }], ['{"app":"b"}', { args: { app: 'b' } }]])('reads %j', (text, found) => expect(argsFrom(text)).toEqual(found))
