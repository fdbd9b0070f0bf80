import { expect, it } from 'vitest'
import { argsOf, fault, fieldsOf, isChanged } from './argForm'

const args = { app: 'a', count: 3, force: false, settings: { port: 80 }, none: null }

it('gives back what it was given', () => {
  expect(fieldsOf(args).map(({ kind }) => kind)).toEqual(['text', 'number', 'flag', 'json', 'json'])
  expect(argsOf(fieldsOf(args))).toEqual(args)
  expect(isChanged(fieldsOf(args), args)).toBe(false)
})

it.each([
  ['count', ' ', 'number'],
  ['count', '1e400', 'number'],
  ['count', 'NaN', 'number'],
  ['settings', '{"port": }', { json: expect.any(String) }],
  ['settings', '', { json: expect.any(String) }],
])('refuses %s = %j', (name, text, why) => {
  const fields = fieldsOf(args).map((field) => (field.name === name ? { ...field, text } : field))
  expect(fault(fields.find((field) => field.name === name)!)).toEqual(why)
  expect(argsOf(fields)).toBeNull()
  expect(isChanged(fields, args)).toBe(false)
})

it('keeps a text a text', () => {
  const fields = fieldsOf({ reference: 'main' }).map((field) => ({ ...field, text: '42' }))
  expect(argsOf(fields)).toEqual({ reference: '42' })
  expect(isChanged(fields, { reference: 'main' })).toBe(true)
})

it('has no field for what are no arguments', () => expect([fieldsOf(null), fieldsOf([1]), fieldsOf('x')]).toEqual([[], [], []]))
