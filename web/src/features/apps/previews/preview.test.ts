import { expect, test } from 'vitest'
import { settingsOf, stateOf } from './preview'

test('a preview is told by what is most urgent of it', () => {
  const of = (part: object) => stateOf({ isServed: false, endsWhy: null, problem: null, state: 'empty', ...part })
  for (const [part, label, tone] of [
    [{}, 'Being made', 'info'],
    [{ isServed: true, state: 'running' }, 'Serves', 'good'],
    [{ isServed: true, problem: 'why' }, 'Not served', 'bad'],
    [{ state: 'failed' }, 'Not served', 'bad'],
    [{ isServed: true, problem: 'why', endsWhy: 'over' }, 'Being deleted', 'warn'],
  ] as const) {
    expect(of(part)).toEqual({ label, tone })
  }
})

test('what is left empty is left to the API', () => {
  const form = { base: ' preview.example.org ', branches: '', requests: false, days: '', atOnce: '3', certificate: 'acme' }
  expect(settingsOf(form)).toEqual({ base: 'preview.example.org', branches: undefined, requests: false, days: undefined, atOnce: 3, certificate: 'acme' })
})
