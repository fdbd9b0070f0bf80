import { expect, it } from 'vitest'
import { changes, decided } from './changes'

it('tells arguments by name, and never the values of an environment', () => {
  const args = {
    app: 'id-1',
    settings: { repository: 'https://git.example/a', env: [{ name: 'TOKEN', value: 'hunter2' }], build: { start: ['node', 'a.js'], root: null }, keepReleases: 5 },
  }
  const lines = changes(args, (id) => (id === 'id-1' ? 'shop' : undefined))
  expect(lines).toEqual([
    { field: 'app', value: 'shop' },
    { field: 'settings.repository', value: 'https://git.example/a' },
    { field: 'settings.env', value: 'TOKEN' },
    { field: 'settings.build.start', value: 'node a.js' },
    { field: 'settings.keepReleases', value: '5' },
  ])
  expect(JSON.stringify(lines)).not.toContain('hunter2')
})

it('cuts what is long', () => {
  expect(changes({ a: 'x'.repeat(5_000) }, () => undefined)[0]!.value).toHaveLength(121)
  expect(changes(Object.fromEntries(Array.from({ length: 90 }, (_, at) => [`k${at}`, at])), () => undefined)).toHaveLength(24)
})

it('a decision shows what an action would do, and of a step what its workflow shows', () => {
  const none = (): undefined => undefined
  expect(decided({ diff: { action: { args: { app: 'shop' } }, because: 'x' } }, none)).toEqual([{ field: 'app', value: 'shop' }])
  const show = { commit: 'c0ffee', staging: { state: 'running' }, apps: ['shop', 'docs'] }
  expect(decided({ step: 'agree', diff: { message: 'Deploy it?', show } }, none)).toEqual([{ field: 'commit', value: 'c0ffee' }, { field: 'staging.state', value: 'running' }, { field: 'apps', value: 'shop, docs' }])
  expect(decided({ step: 'agree', diff: { message: 'Deploy it?', show: 'only words' } }, none)).toEqual([{ field: '', value: 'only words' }])
  expect(decided({ step: 'agree', diff: { message: 'Deploy it?', show: null } }, none)).toEqual([])
})
