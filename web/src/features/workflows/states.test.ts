import { describe, expect, it } from 'vitest'
import { executionState } from './states'

describe('a run of a workflow in a list', () => {
  it.each([
    [{ state: 'done', done: 'succeeded', poison: false }, 'Succeeded', 'good'],
    [{ state: 'done', done: 'failed', poison: false }, 'Failed', 'bad'],
    [{ state: 'done', done: 'failed', poison: true }, 'Failed', 'bad'],
    [{ state: 'done', done: 'cancelled', poison: false }, 'Cancelled', 'neutral'],
    [{ state: 'done', done: 'expired', poison: false }, 'Expired', 'neutral'],
    [{ state: 'running', done: null, poison: true }, 'Put aside', 'bad'],
    [{ state: 'queued', done: null, poison: false }, 'Queued', 'warn'],
    [{ state: 'running', done: null, poison: false }, 'Running', 'info'],
    [{ state: 'waiting', done: null, poison: false }, 'Waiting', 'warn'],
  ] as const)('%o is told as %s', (execution, label, tone) => expect(executionState(execution)).toMatchObject({ label, tone }))
})
