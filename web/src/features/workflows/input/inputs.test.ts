import { describe, expect, it } from 'vitest'
import { TEMPLATE } from '../example'
import { inputsOf } from '../document/inputs'
import { fieldsOf, inputFrom, objectFrom, typedOf } from './inputs'

describe('the inputs of a document', () => {
  it('are found in the template', () => {
    const found = inputsOf(TEMPLATE)
    expect(found).toEqual({ schema: { type: 'object', properties: { app: { type: 'string', description: 'Id of the app' } }, required: ['app'] } })
  })
  it('are found in JSON', () => expect(inputsOf('{"workflow":1,"inputs":{"type":"object"}}')).toEqual({ schema: { type: 'object' } }))
  it('may be none', () => {
    expect(inputsOf('workflow: 1\nname: a\nsteps: []')).toEqual({ schema: null })
    expect(inputsOf('{"workflow":1}')).toEqual({ schema: null })
  })
  it('may be written with all that YAML has, and are not guessed where it is none', () => {
    expect(inputsOf('x: &a { type: object }\ninputs: *a')).toEqual({ schema: { type: 'object' } })
    expect(inputsOf('inputs: *a\nname: b')).toBe('unread')
    expect(inputsOf('inputs: 7')).toBe('unread')
    expect(inputsOf('{"inputs": ')).toBe('unread')
  })
})

describe('a form made from a schema', () => {
  const schema = {
    properties: {
      app: { type: 'string', title: 'App', description: 'Which' },
      count: { type: 'integer', default: 3 },
      share: { type: ['number', 'null'] },
      force: { type: 'boolean' },
      where: { enum: ['eu', 'us', 7] },
      list: { type: 'array' },
      any: {},
    },
    required: ['app', 'where'],
  }
  const { fields, rest } = fieldsOf(schema)
  it('has a field for each simple property, and names the rest', () => {
    expect(fields.map(({ name, kind, required }) => [name, kind, required])).toEqual([
      ['app', 'string', true],
      ['count', 'integer', false],
      ['share', 'number', false],
      ['force', 'boolean', false],
      ['where', 'enum', true],
    ])
    expect(fields[0]).toMatchObject({ label: 'App', hint: 'Which' })
    expect(rest).toEqual(['list', 'any'])
  })
  it('begins with defaults, or with what was given before', () => {
    expect(typedOf(fields, null)).toEqual({ app: '', count: '3', share: '', force: '', where: '' })
    expect(typedOf(fields, { app: 'a', force: false, where: 7 })).toEqual({ app: 'a', count: '', share: '', force: 'false', where: '2' })
  })
  it('gives values of the right types, keeps what it does not show, leaves out what is empty', () => {
    const typed = { app: '5', count: '4', share: '', force: 'true', where: '2' }
    expect(inputFrom(fields, typed, { list: [1], share: 9 })).toEqual({ value: { list: [1], app: '5', count: 4, force: true, where: 7 }, wrong: {} })
  })
  it.each([
    [{ where: '0' }, { app: 'needed' }],
    [{ app: 'a', where: '0', count: '1.5' }, { count: 'noInteger' }],
    [{ app: 'a', where: '0', share: 'much' }, { share: 'noNumber' }],
    [{ app: 'a', where: '0', share: ' ' }, { share: 'noNumber' }],
  ])('says what is wrong with %j', (typed, wrong) => expect(inputFrom(fields, typed, {}).wrong).toEqual(wrong))
  it.each([
    ['', { value: {} }],
    ['{"a":1}', { value: { a: 1 } }],
    ['[1]', { wrong: 'noObject' }],
    ['{', { wrong: 'noJson' }],
  ])('reads %j as JSON', (text, expected) => expect(objectFrom(text)).toEqual(expected))
})
