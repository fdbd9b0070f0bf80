import { expect, it } from 'vitest'
import { changes, layOver } from '../settings/changes'
import { fromForm, toForm, type Settings } from '../settings/form'
import { held } from './entry'

const settings = (env: object[]): Settings => ({ repository: 'https://git.example/a', env }) as Settings
const lines = (before: object[], after: object[]) =>
  changes(settings(before), settings(after)).map(({ label, kind, before, after }) => [label, kind, before, after])

it('never takes a value for the secret of the same name', () => {
  expect(held({ value: 'a' })).not.toBe(held({ secret: 'a' }))
  expect(held({ secret: 'a', value: '' })).toBe(held({ secret: 'a', value: null }))
})

it('keeps secrets through the form, and sends no value beside them', () => {
  const form = toForm(settings([{ name: 'A', value: '1' }, { name: 'B', secret: 'database-url' }]))
  expect(fromForm(form).settings.env).toEqual([{ name: 'A', value: '1' }, { name: 'B', secret: 'database-url' }])
})

it('asks for the secret where none is chosen', () => {
  const form = toForm(settings([{ name: 'B', secret: '' }]))
  expect(Object.keys(fromForm(form).refused)).toEqual([`env.${form.env[0]!.key}`])
})

it('tells a value that became a secret, by the name of the secret', () => {
  expect(lines([{ name: 'A', value: 'hunter2' }], [{ name: 'A', secret: 'db' }])).toEqual([['A', 'changed', 'hunter2', 'the secret db']])
  expect(lines([{ name: 'A', secret: 'db' }], [{ name: 'A', secret: 'db' }])).toEqual([])
})

it('keeps my secret over their value, and theirs where I changed nothing', () => {
  const base = toForm(settings([{ name: 'A', value: '1' }, { name: 'B', value: '2' }]))
  const mine = toForm(settings([{ name: 'A', secret: 'mine' }, { name: 'B', value: '2' }]))
  const theirs = toForm(settings([{ name: 'A', value: '9' }, { name: 'B', secret: 'theirs' }]))
  expect(fromForm(layOver(base, mine, theirs)).settings.env).toEqual([{ name: 'A', secret: 'mine' }, { name: 'B', secret: 'theirs' }])
})
