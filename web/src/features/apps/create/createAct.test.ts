import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { deploySteps } from './createAct'

const found = (plan: object) =>
  ({
    plan: { builder: 'node', because: '', root: '', install: ['npm', 'ci'], build: null, start: ['node', 'server.js'], publish: null, warnings: [], ...plan },
    revision: { commit: '859ca96463c0319e0e0727a0ee55325b94659db7', reference: 'main', subject: 'Say hello' },
    references: [],
    sizeBytes: 1,
    files: 1,
  }) as Schemas['Inspection']

it('plans from what was found', () => {
  const steps = deploySteps({ repository: 'x' }, found({ health: { probe: { kind: 'http', path: '/up' } } })).join('\n')
  for (const part of ['main', '859ca96', 'npm ci', 'node server.js', '/up', 'online']) expect(steps).toContain(part)
})

it('lets settings win, and puts a worker on no port', () => {
  const settings = { repository: 'x', build: { install: ['make', 'deps'] }, traffic: { mode: 'none' as const, public: false } }
  const steps = deploySteps(settings, found({})).join('\n')
  expect(steps).toContain('make deps')
  expect(steps).not.toMatch(/npm ci|online/)
})

it('says what a static site serves instead of a command', () => {
  expect(deploySteps({ repository: 'x' }, found({ builder: 'static', install: null, start: null, publish: 'public' })).join('\n')).toContain('public')
})
