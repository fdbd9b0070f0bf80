import { describe, expect, it } from 'vitest'
import type { Step } from '../workflowActs'
import { failingStep, outermost, spentMs, stepToOpen, tree } from './tree'

const step = (key: string, parent: string | null = null, state = 'succeeded'): Step =>
  ({ key, parent, state, kind: 'query', attempts: 1, outputLeftOut: false, tries: [], runs: [] }) as unknown as Step
const shape = (steps: Step[]): string[] => tree(steps).map((row) => `${'.'.repeat(row.depth)}${row.step.key}`)

describe('the tree of steps', () => {
  it('puts steps behind what they stand in, in the order of the answer', () => {
    expect(shape([step('a'), step('each'), step('z'), step('b@0', 'each'), step('b@1', 'each'), step('c@1', 'b@1')])).toEqual(['a', 'each', '.b@0', '.b@1', '..c@1', 'z'])
  })
  it('loses none: not the one whose parent is unknown, not those in a circle', () => {
    expect(shape([step('a', 'gone'), step('b', 'c'), step('c', 'b'), step('d', 'd')])).toEqual(['a', 'd', 'b', '.c'])
  })
  it('is made at once for as many steps and as deep as there may be', () => {
    const deep = Array.from({ length: 20_000 }, (_, at) => step(`s${at}`, at ? `s${at - 1}` : null))
    expect(tree(deep).at(-1)!.depth).toBe(19_999)
    expect(tree(Array.from({ length: 20_000 }, (_, at) => step(`m@${at}`, at ? 'm@0' : null)))).toHaveLength(20_000)
  })
})

describe('the step that is opened by itself', () => {
  it('is the first that failed', () => expect(failingStep({ steps: [step('a'), step('b', null, 'failed'), step('c', null, 'failed')] })).toBe('b'))
  it('is the one the run names, also where another stands before it', () =>
    expect(failingStep({ steps: [step('a', null, 'failed'), step('b', null, 'failed')], failedStep: 'b' })).toBe('b'))
  it('is the innermost, where the cause stands', () => {
    const steps = [step('each', null, 'failed'), step('b@0', 'each'), step('b@1', 'each', 'failed')]
    expect(failingStep({ steps })).toBe('b@1')
    expect(failingStep({ steps, failedStep: 'each' })).toBe('b@1')
  })
  it('is none where all is well, or what is named is not there', () => {
    expect(failingStep({ steps: [step('a')] })).toBeNull()
    expect(failingStep({ steps: [step('a')], failedStep: 'gone' })).toBeNull()
  })
  it('is the one that asks a person where nothing has failed', () => {
    expect(stepToOpen({ steps: [step('a'), step('b', null, 'asked'), step('c', null, 'asked')] })).toBe('b')
    expect(stepToOpen({ steps: [step('a', null, 'asked'), step('b', null, 'failed')] })).toBe('b')
    expect(stepToOpen({ steps: [step('a')] })).toBeNull()
  })
})

it('a run is done again from the outermost step around one', () => {
  const steps = [step('a'), step('each'), step('b@0', 'each'), step('c@0', 'b@0'), step('x', 'y'), step('y', 'x'), step('lost', 'gone')]
  expect(['a', 'each', 'b@0', 'c@0', 'lost'].map((key) => outermost(steps, key))).toEqual(['a', 'each', 'each', 'each', 'lost'])
  expect(outermost(steps, 'x')).toBe('x')
})

it('a step takes time from its beginning to its end, or until now', () => {
  const startedAt = '2026-01-01T00:00:00Z'
  expect(spentMs({ startedAt, endedAt: '2026-01-01T00:00:02Z' }, 0)).toBe(2_000)
  expect(spentMs({ startedAt }, Date.parse('2026-01-01T00:01:00Z'))).toBe(60_000)
  expect(spentMs({}, 0)).toBeNull()
})
