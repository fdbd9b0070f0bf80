import { describe, expect, it } from 'vitest'
import { NO_HISTORY, redo, remember, undo } from './history'
import type { ActionSpec } from '@/app/forms/useActionSpecs'
import { goTo, matching, stepOf, tools } from './palette'

const DEPLOY = { type: 'object', properties: { app: { type: 'string' } }, required: ['app'] }
const spec = (name: string, arguments_: object | null): ActionSpec => ({ name, title: `Do ${name}`, help: 'Does it.', effect: name.endsWith('delete') ? 'destroy' : 'change', arguments: arguments_ }) as unknown as ActionSpec

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

it.each([
  [null, 'ArrowDown', 'a'],
  [null, 'ArrowUp', undefined],
  [null, 'Home', undefined],
  ['a', 'ArrowDown', 'b'],
  ['a', 'ArrowUp', null],
  ['c', 'ArrowDown', undefined],
  ['c', 'ArrowUp', 'b'],
  ['b', 'Home', 'a'],
  ['b', 'End', 'c'],
  ['b', 'x', undefined],
])('from %j the key %s goes to %j', (from, key, to) => expect(goTo(['a', 'b', 'c'], from, key)).toBe(to))
