import { describe, expect, it } from 'vitest'
import { fieldsOf, readAs, shownAs, type Control } from './fields'
import { NO_HISTORY, redo, remember, undo } from './history'
import { matching, stepOf, tools, type ActionSpec } from './palette'

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
const spec = (name: string, arguments_: object | null): ActionSpec => ({ name, title: `Do ${name}`, help: 'Does it.', effect: name.endsWith('delete') ? 'destroy' : 'change', arguments: arguments_ }) as unknown as ActionSpec

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
  it.each<[Control, unknown, string]>([['text', 'a', 'a'], ['number', 3, '3'], ['boolean', true, 'true'], ['data', { a: [1] }, 'a:\n  - 1'], ['data', '${{ x }}', '${{ x }}'], ['number', '${{ x }}', '${{ x }}'], ['text', undefined, '']])('%s shows %j as it reads it', (control, value, typed) => {
    expect(shownAs(control, value)).toBe(typed)
    expect(readAs(control, typed)).toEqual({ value })
  })
  it('takes an expression in place of any value, and nothing else that is none', () => {
    expect(readAs('integer', '1.5')).toEqual({ wrong: 'noNumber' })
    expect(readAs('number', 'x')).toEqual({ wrong: 'noNumber' })
    expect(readAs('boolean', '${{ a }}')).toEqual({ value: '${{ a }}' })
    expect(readAs('data', '{')).toEqual({ wrong: 'noData' })
    expect(readAs('data', '{ a: "${{ x }}" }')).toEqual({ value: { a: '${{ x }}' } })
  })
})

describe('the palette', () => {
  const actions = [spec('node.remove', { type: 'object' }), spec('app.deploy', DEPLOY), spec('run.approve', null), spec('app.delete', DEPLOY)]
  it('has every kind, and every action a workflow may take', () => {
    expect(tools(actions).map(({ key }) => key)).toEqual(['query', 'approval', 'wait', 'map', 'branch', 'workflow', 'action:app.deploy', 'action:app.delete', 'action:node.remove'])
    expect(matching(tools(actions), 'app del').map(({ key }) => key)).toEqual(['action:app.delete'])
  })
  it('makes steps that take the inputs of their workflow', () => {
    expect(stepOf('action:app.deploy', actions, { properties: { app: {} } })).toEqual({ id: 'deploy', action: 'app.deploy', with: { app: '${{ inputs.app }}' } })
    expect(stepOf('action:app.deploy', actions, null)).toEqual({ id: 'deploy', action: 'app.deploy' })
    expect(stepOf('wait', actions, null)).toEqual({ id: 'pause', wait: { for: '10m' } })
    expect(stepOf('action:no.such', actions, null)).toBeNull()
    expect(stepOf('no-kind', actions, null)).toBeNull()
  })
})

it('typing is one step back, changes by hand are each their own', () => {
  let history = remember(NO_HISTORY, 'a', 1_000, true)
  history = remember(history, 'ab', 1_200, true)
  history = remember(history, 'abc', 1_300, false)
  history = remember(history, 'x', 1_400, true)
  expect(history.past).toEqual(['a', 'abc', 'x'])
  const back = undo(history, 'xy')!
  expect(back.text).toBe('x')
  expect(undo(back.history, 'x')!.text).toBe('abc')
  expect(redo(back.history, 'x')!.text).toBe('xy')
  expect(undo(NO_HISTORY, 'a')).toBeNull()
  expect(redo(NO_HISTORY, 'a')).toBeNull()
})
