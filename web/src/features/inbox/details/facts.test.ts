import { expect, it } from 'vitest'
import { guarded, lines } from './facts'

const name = (id: string) => ({ 'app-1': 'shop' })[id]
const diff = (args: object, guard: object = {}) => ({ action: { action: 'app.update', args }, guard, because: '' })

it('sets what would be beside what is', () => {
  const app = { name: 'shop', settings: { memoryMb: 256, repository: 'a' } }
  expect(lines({ step: null, diff: diff({ app: 'app-1', settings: { memoryMb: 512, repository: 'a' } }) }, name, app)).toEqual([
    { field: 'app', value: 'shop' },
    { field: 'settings.memoryMb', value: '512', before: '256' },
    { field: 'settings.repository', value: 'a' },
  ])
})

it('shows names of an environment and never its values', () => {
  const told = lines({ step: null, diff: diff({ settings: { env: [{ name: 'TOKEN', value: 'hunter2' }] } }) }, name, null)
  expect(told).toEqual([{ field: 'settings.env', value: 'TOKEN' }])
})

it('shows what a step shows', () => expect(lines({ step: 'agree', diff: { show: { apps: ['a', 'b'] } } }, name, null)).toEqual([{ field: 'apps', value: 'a, b' }]))

it('tells the facts it is bound to', () => {
  expect(guarded(diff({}, { commit: 'abc', liveRelease: null, secrets: [{ secret: 'x', name: 'db', version: 3 }] }), name)).toEqual([
    { field: 'Commit', value: 'abc' },
    { field: 'Versions of secrets', value: 'db 3' },
  ])
  expect(guarded(null, name)).toEqual([])
})
