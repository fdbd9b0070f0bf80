import { describe, expect, it } from 'vitest'
import { verbsOf } from './useServices'

describe('what can be done to a service', () => {
  const all = ['start', 'stop', 'restart', 'reload']
  it('is what suits its state', () => {
    expect(verbsOf({ state: 'running', verbs: all })).toEqual(['reload', 'restart', 'stop'])
    expect(verbsOf({ state: 'stopped', verbs: all })).toEqual(['start'])
  })
  it('is everything its owner names where its state is not known', () => expect(verbsOf({ state: 'unknown', verbs: ['stop', 'start'] })).toEqual(['start', 'stop']))
  it('leaves out what this page does not know', () => expect(verbsOf({ state: 'unknown', verbs: ['explode'] })).toEqual([]))
})
