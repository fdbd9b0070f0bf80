import { describe, expect, it } from 'vitest'
import { text } from '@/locales/en/workflow/canvas'
import { text as locale } from '@/locales/en/workflows'
import { outline } from '../../document/outline'
import type { Step } from '../../workflowActs'
import { told } from './facts'
import { gapBefore, momentOf, stepsAfter, type Entry, type Fact } from './replay'
import { byId, foremost, owners, runMarks } from './runMarks'
import { axisOf } from './timeline'

const T0 = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString()
const step = (key: string, from: number | null, to: number | null, more: Partial<Step> = {}): Step =>
  ({ key, kind: 'query', state: to === null ? (from === null ? 'pending' : 'running') : 'succeeded', startedAt: from === null ? null : at(from), endedAt: to === null ? null : at(to), attempts: 1, tries: [], runs: [], outputLeftOut: false, ...more }) as Step
const states = (steps: Step[]): Record<string, string> => Object.fromEntries(steps.map(({ key, state }) => [key, state]))

const fact = (name: string, step: string | null, more: Partial<Fact> = {}): Fact => ({ fact: name, step, valueLeftOut: false, ...more }) as Fact
const entry = (seq: number, seconds: number, ...facts: Fact[]): Entry => ({ seq, at: at(seconds), facts })

describe('a replay', () => {
  const broken = { kind: 'unavailable', code: 'x', message: 'No.', fix: '' }
  const steps = [
    step('a', 0, 9, { attempts: 2, runs: ['r1', 'r2'], output: { made: 1 } as never, outputLeftOut: false }),
    step('ask', 9, 7_300, { kind: 'approval', question: 'Go on?' }),
    step('each', 7_300, 7_301, { kind: 'map', outputLeftOut: true }),
    step('kept', null, 0, { state: 'succeeded' }),
    step('never', null, null),
  ]
  const entries = [
    entry(1, 0, fact('began', null, { value: { app: 'x' } as never }), fact('ended', 'kept', { end: 'succeeded' }), fact('started', 'a', { attempt: 1, call: { action: 'app.deploy' } as never })),
    entry(2, 2, fact('retries', 'a', { attempt: 1, fault: broken })),
    entry(3, 4, fact('started', 'a', { attempt: 2, call: { action: 'app.deploy' } as never })),
    entry(4, 9, fact('ended', 'a', { end: 'succeeded', value: { made: 1 } as never }), fact('asked', 'ask', { message: 'Go on?' })),
    entry(5, 7_300, fact('received', null, { message: 'go' }), fact('ended', 'ask', { end: 'succeeded' }), fact('opened', 'each', { item: 1 })),
    entry(6, 7_301, fact('item', 'each', { item: 0, end: 'succeeded' }), fact('ended', 'each', { end: 'succeeded', valueLeftOut: true }), fact('finished', null, { end: 'succeeded' })),
  ]
  const after = (passed: number) => Object.fromEntries(stepsAfter(steps, entries, passed).map((one) => [one.key, one]))

  it('shows each step as it stood, with what went in and came out by then', () => {
    expect(states(stepsAfter(steps, entries, 0))).toEqual({ a: 'pending', ask: 'pending', each: 'pending', kept: 'pending', never: 'pending' })
    expect(after(1).a).toMatchObject({ state: 'running', attempts: 1, call: { action: 'app.deploy' }, output: null, runs: ['r1'], endedAt: null })
    expect(after(1).kept).toMatchObject({ state: 'succeeded', startedAt: null, endedAt: at(0) })
    expect(after(2).a).toMatchObject({ state: 'retrying', tries: [{ attempt: 1, fault: broken }], fault: null })
    expect(after(3).a).toMatchObject({ state: 'running', attempts: 2, runs: ['r1', 'r2'], startedAt: at(0) })
    expect(after(4)).toMatchObject({ a: { state: 'succeeded', output: { made: 1 }, endedAt: at(9) }, ask: { state: 'asked', question: 'Go on?' } })
    expect(after(5)).toMatchObject({ ask: { state: 'succeeded', question: null }, each: { state: 'running', outputLeftOut: false } })
    expect(after(6)).toMatchObject({ each: { state: 'succeeded', outputLeftOut: true }, never: { state: 'pending' } })
  })
  it('tells what was recorded, and hours in which nothing was', () => {
    expect(told(entries[0]!)).toBe('the run began; kept: succeeded; a began')
    expect(told(entry(1, 0, fact('a', null), fact('b', null), fact('c', null), fact('d', null)))).toBe('a; b; c; and 1 more')
    expect(told(entries[4]!)).toBe('the event “go” came; ask: succeeded; each has 1 item')
    expect([0, 1, 4].map((at) => gapBefore(entries, at))).toEqual([0, 2_000, 7_291_000])
    expect(momentOf(entries, 2)).toBe(T0 + 2_000)
  })
})

describe('marks of a run', () => {
  it('say of steps within a map the one that counts, and how many have ended', () => {
    const steps = [step('each@0', 0, 1), step('each@1', 0, null), step('each@2', 0, 1, { state: 'failed' })]
    expect(foremost(byId(steps).get('each')!).key).toBe('each@2')
    const marks = runMarks(new Map([['each', null], ['later', null]]), { steps }, T0 + 5_000)
    expect(marks.get('each')).toMatchObject({ tone: 'bad', note: '1 of 3' })
    expect(marks.get('later')).toMatchObject({ tone: 'neutral' })
    expect(runMarks(new Map([['a', null]]), { steps: [step('a', 0, null)] }, T0 + 5_000).get('a')).toMatchObject({ note: '5.0 s', moving: true })
  })
})

it('steps that were not done in what is over say so, and those that were kept say that', () => {
  const blocks = outline({ steps: [{ id: 'choose', branch: [{ if: 'x', steps: [{ id: 'yes' }] }, { steps: [{ id: 'no' }] }] }, { id: 'each', map: { steps: [{ id: 'in' }] } }] })
  expect([...owners(blocks)]).toEqual([['choose', null], ['yes', 'choose'], ['no', 'choose'], ['each', null], ['in', 'each']])
  const steps = [step('choose', 0, 2, { kind: 'branch' }), step('yes', 0, 1, { parent: 'choose' }), step('each', null, null, { kind: 'map', state: 'succeeded' })]
  const marks = runMarks(owners(blocks), { steps, forkedFrom: 'before' }, T0)
  expect(marks.get('no')).toMatchObject({ label: text.graph.notDone })
  expect(marks.get('in')).toMatchObject({ tone: 'good', note: locale.step.kept })
  expect(marks.get('each')).toMatchObject({ note: locale.step.kept })
})

describe('the axis of a run', () => {
  it('is true to time where nothing was idle', () => {
    const axis = axisOf([step('a', 0, 5), step('b', 5, 10)], T0)!
    expect(axis.folds).toEqual([])
    expect([0, 5, 10].map((s) => axis.at(T0 + s * 1000))).toEqual([0, 50, 100])
  })
  it('folds hours in which a run only waited', () => {
    const axis = axisOf([step('a', 0, 10), step('ask', 10, 7_210, { kind: 'approval' }), step('b', 7_210, 7_220)], T0)!
    expect(axis.folds).toHaveLength(1)
    expect(axis.folds[0]).toMatchObject({ length: 7_200_000 })
    expect(axis.folds[0]!.left).toBeCloseTo(44)
    expect(axis.folds[0]!.width).toBeCloseTo(12)
    expect(axis.at(T0 + 7_220_000)).toBeCloseTo(100)
  })
  it('keeps short pauses, and runs that only wait', () => {
    expect(axisOf([step('a', 0, 10), step('p', 10, 15, { kind: 'wait' }), step('b', 15, 20)], T0)!.folds).toEqual([])
    expect(axisOf([step('p', 0, null, { kind: 'wait' })], T0 + 3_600_000)!.at(T0 + 1_800_000)).toBe(50)
    expect(axisOf([step('p', null, null)], T0)).toBeNull()
  })
  it('does not count what only holds others as being done', () => {
    const axis = axisOf([step('each', 0, 7_200, { kind: 'map' }), step('a@0', 0, 10, { parent: 'each' }), step('ask@0', 10, 7_190, { kind: 'approval', parent: 'each' }), step('b@0', 7_190, 7_200, { parent: 'each' })], T0)!
    expect(axis.folds).toHaveLength(1)
  })
})
