import { describe, expect, it } from 'vitest'
import { text } from '@/locales/en/workflow/canvas'
import { text as locale } from '@/locales/en/workflows'
import { outline } from '../../document/outline'
import type { Step } from '../../workflowActs'
import { moments, stepsAfter } from './replay'
import { byId, foremost, owners, runMarks } from './runMarks'
import { axisOf } from './timeline'

const T0 = Date.parse('2026-01-01T00:00:00Z')
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString()
const step = (key: string, from: number | null, to: number | null, more: Partial<Step> = {}): Step =>
  ({ key, kind: 'query', state: to === null ? (from === null ? 'pending' : 'running') : 'succeeded', startedAt: from === null ? null : at(from), endedAt: to === null ? null : at(to), attempts: 1, tries: [], runs: [], outputLeftOut: false, ...more }) as Step
const states = (steps: Step[]): Record<string, string> => Object.fromEntries(steps.map(({ key, state }) => [key, state]))

describe('a replay', () => {
  const steps = [step('a', 0, 2), step('ask', 2, 60, { kind: 'approval' }), step('b', 60, 61, { state: 'failed' }), step('kept', null, null, { state: 'succeeded' }), step('never', null, null)]
  const all = moments(steps)
  it('walks through what was recorded, ends before what they made begin', () => {
    expect(all.map(({ step: key, what }) => `${key} ${what}`)).toEqual(['a began', 'a ended', 'ask began', 'ask ended', 'b began', 'b ended'])
    expect(moments([step('x', 1, 1), step('y', 1, 1)]).map(({ step: key, what }) => `${key} ${what}`)).toEqual(['x began', 'x ended', 'y began', 'y ended'])
  })
  it('shows each step as it stood, and at the end as it stands', () => {
    const after = (passed: number) => states(stepsAfter(steps, all, passed))
    expect(after(0)).toEqual({ a: 'pending', ask: 'pending', b: 'pending', kept: 'succeeded', never: 'pending' })
    expect(after(1)).toMatchObject({ a: 'running', ask: 'pending' })
    expect(after(3)).toMatchObject({ a: 'succeeded', ask: 'asked', b: 'pending' })
    expect(stepsAfter(steps, all, all.length)).toEqual(steps)
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
