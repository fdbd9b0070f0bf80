import { describe, expect, it } from 'vitest'
import { fieldsOf, readAs, shownAs, type Control } from '@/app/forms/fields'
import { JSON_NOTATION } from '@/app/forms/notation'
import { YAML_NOTATION } from './yaml'

const yaml = YAML_NOTATION

const DEPLOY = {
  type: 'object',
  properties: {
    reference: { type: 'string', description: 'Branch or tag.' },
    app: { type: 'string', format: 'uuid', 'x-target': 'app', description: 'Which app.' },
    keepReleases: { type: ['integer', 'null'] },
    limits: { type: 'object' },
    settings: { type: 'object', properties: { public: { type: 'boolean' } }, required: ['public'] },
  },
  required: ['app'],
}

describe('a form from a schema', () => {
  it('has what is needed first, with words that people read', () => {
    expect(fieldsOf(DEPLOY).map(({ name, label, control, isNeeded, target }) => [name, label, control, isNeeded, target])).toEqual([
      ['app', 'App', 'text', true, 'app'],
      ['reference', 'Reference', 'text', false, null],
      ['keepReleases', 'Keep releases', 'integer', false, null],
      ['limits', 'Limits', 'data', false, null],
      ['settings', 'Settings', 'group', false, null],
    ])
    expect(fieldsOf(DEPLOY).at(-1)!.fields.map(({ name, control, isNeeded }) => [name, control, isNeeded])).toEqual([['public', 'boolean', true]])
  })
  it('follows references, and what may be null', () => {
    const schema = { properties: { delay: { anyOf: [{ $ref: '#/$defs/Span' }, { type: 'null' }], description: 'How long.' }, kind: { $ref: '#/$defs/Kind' } }, $defs: { Span: { type: 'string', description: 'A span.' }, Kind: { oneOf: [{ const: 'a' }, { const: 'b' }] } } }
    expect(fieldsOf(schema)).toMatchObject([{ name: 'delay', control: 'text', hint: 'How long.' }, { name: 'kind', control: 'choice', options: ['a', 'b'] }])
    expect(fieldsOf(null)).toEqual([])
  })
  it.each<[Control, unknown, string]>([['text', 'a', 'a'], ['number', 3, '3'], ['boolean', true, 'true'], ['data', { a: [1] }, 'a:\n  - 1'], ['data', '${{ x }}', '${{ x }}'], ['data', "${{ a + ': ' + b }}", "${{ a + ': ' + b }}"], ['data', 'plain text', 'plain text'], ['data', 'a: b', '"a: b"'], ['data', '7', '"7"'], ['number', '${{ x }}', '${{ x }}'], ['text', undefined, '']])('%s shows %j as it reads it', (control, value, typed) => {
    expect(shownAs(control, value, yaml)).toBe(typed)
    expect(readAs(control, typed, yaml)).toEqual({ value })
  })
  it('takes an expression in place of any value, and nothing else that is none', () => {
    expect(readAs('integer', '1.5', yaml)).toEqual({ wrong: 'noInteger' })
    expect(readAs('number', 'x', yaml)).toEqual({ wrong: 'noNumber' })
    expect(readAs('boolean', '${{ a }}', yaml)).toEqual({ value: '${{ a }}' })
    expect(readAs('data', '{', yaml)).toEqual({ wrong: 'noData' })
    expect(readAs('data', '{ a: "${{ x }}" }', yaml)).toEqual({ value: { a: '${{ x }}' } })
  })

  it.each<[Control, unknown, string]>([['data', { a: [1] }, '{\n  "a": [\n    1\n  ]\n}'], ['data', 'plain', '"plain"'], ['text', '${{ x }}', '${{ x }}'], ['integer', 3, '3']])('%s shows %j as JSON', (control, value, typed) => {
    expect(shownAs(control, value, JSON_NOTATION)).toBe(typed)
    expect(readAs(control, typed, JSON_NOTATION)).toEqual({ value })
  })
  it.each<[Control, string, string]>([['integer', '${{ x }}', 'noNumber'], ['number', '1e400', 'noNumber'], ['integer', '9007199254740993', 'noInteger'], ['data', '{ a: 1 }', 'noData']])('%s refuses %j where there are no expressions', (control, typed, wrong) => {
    expect(readAs(control, typed, JSON_NOTATION)).toEqual({ wrong })
  })
})
