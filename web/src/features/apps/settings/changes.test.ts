import { describe, expect, it } from 'vitest'
import { changes, changeWords, layOver } from './changes'
import { fromForm, toForm, type Settings } from './form'

const base: Settings = {
  repository: 'https://git.example.org/shop',
  traffic: { mode: 'http', public: false },
  build: {},
  env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }],
  restart: { firstDelay: 250, maxDelay: 30_000, maxCrashes: 10, window: 600_000 },
  limits: {},
  keepReleases: 5,
}

describe('the form', () => {
  it.each<[string, Partial<Settings>]>([
    ['as it is', {}],
    ['commands', { build: { builder: 'node', root: 'apps/web', install: ['npm', 'ci'], start: ['node', 'a b.js'] } }],
    ['a path', { build: { builder: 'rust', hotPath: false } }],
    ['a path turned on', { build: { hotPath: true } }],
    ['http probe', { health: { probe: { kind: 'http', path: '/up' }, within: 15_500, eachTry: 5_000 } }],
    ['tcp probe', { health: { probe: { kind: 'tcp' }, within: 60_000, eachTry: 5_000 } }],
    ['log probe', { health: { probe: { kind: 'logLine', pattern: '^up$ ' }, within: 60_000, eachTry: 5_000 } }],
    ['alive probe', { health: { probe: { kind: 'alive', for: 2_500 }, within: 60_000, eachTry: 5_000 } }],
    ['limits', { limits: { memory: 100_000_000, cpuPercent: 150, pids: 64 }, keepReleases: 50 }],
    ['traffic', { traffic: { mode: 'tcp', port: 8_080, public: true }, reference: 'v1' }],
  ])('gives back what it was given: %s', (_, part) => {
    const settings = { ...base, ...part }
    expect(fromForm(toForm(settings))).toEqual({ settings, refused: {} })
  })

  it('says what it cannot read, by field', () => {
    const form = { ...toForm(base), port: '99999', keepReleases: '0', start: `node 'x`, health: 'http' as const, healthPath: 'up', memory: 'much', window: '' }
    expect(Object.keys(fromForm(form).refused).sort()).toEqual(['healthPath', 'keepReleases', 'memory', 'port', 'start', 'window'])
    const doubled = toForm({ ...base, env: [{ name: 'A', value: '' }, { name: 'A', value: '' }, { name: 'PORT', value: '' }] })
    expect(Object.keys(fromForm(doubled).refused)).toEqual(doubled.env.slice(1).map(({ key }) => `env.${key}`))
  })
})

describe('changes', () => {
  it('are none where nothing differs, whatever the order of fields', () => {
    expect(changes(base, { ...base, build: undefined, limits: undefined })).toEqual([])
  })

  it('name each variable for itself and tell no value of one in words', () => {
    const found = changes(base, { ...base, reference: 'v2', env: [{ name: 'B', value: '3' }, { name: 'C', value: 'secret' }] })
    expect(found.map(({ key, kind }) => [key, kind])).toEqual([['reference', 'added'], ['env.A', 'removed'], ['env.B', 'changed'], ['env.C', 'added']])
    expect(found.map(changeWords).join('\n')).not.toMatch(/secret|3/)
  })
})

describe('laying over', () => {
  const form = (settings: Partial<Settings>) => toForm({ ...base, ...settings })
  const env = (...vars: string[]) => vars.map((text) => ({ name: text[0]!, value: text.slice(1) }))
  it('keeps both, one own edits winning', () => {
    const merged = layOver(form({}), form({ reference: 'mine', env: env('A1', 'B9', 'D4') }), form({ reference: 'theirs', keepReleases: 7, env: env('A5', 'B2', 'C3') }))
    expect(fromForm(merged).settings).toMatchObject({ reference: 'mine', keepReleases: 7, env: env('A5', 'B9', 'C3', 'D4') })
  })
  it('takes away what either took away', () => {
    const merged = layOver(form({}), form({ env: env('A1') }), form({ env: env('B2') }))
    expect(fromForm(merged).settings.env).toEqual([])
  })
})
