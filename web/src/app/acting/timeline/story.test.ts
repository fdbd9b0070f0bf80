import { describe, expect, it } from 'vitest'
import { barOf, firstFailing, story, watchMs, whoAsked, type Moment, type Run } from './story'

const run = (over: Partial<Run> = {}): Run =>
  ({
    id: 'r', action: 'app.deploy', args: {}, title: 'Deploy an app', state: 'working', done: null, stale: false, step: null, fault: null,
    actor: { kind: 'token', userId: 'u', name: 'Ada' }, requestId: 'q', nodeId: 'n', appId: 'a',
    policy: { admission: 'auto', because: 'x' }, guard: {},
    openedAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z', closedAt: null, expiresAt: '2026-01-02T00:00:00.000Z', outcome: null,
    ...over,
  }) as Run
const moment = (second: number, kind: string, note = '', step: string | null = null, state: string | null = null): Moment => ({
  at: new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString(), kind, note, step, state,
})
const key = `sha256:${'ab'.repeat(32)}`

const moments = [
  moment(0, 'proposed'),
  moment(0, 'policy', 'because'),
  moment(0, 'signed', `DEPLOY number 3, signed by ${key}`),
  moment(300, 'sent'),
  moment(300, 'accepted'),
  moment(300, 'step', 'main', 'fetch', 'started'),
  moment(302, 'step', 'abc Subject', 'fetch', 'done'),
  moment(302, 'step', 'nothing to do', 'install', 'skipped'),
  moment(302, 'step', '', 'health', 'started'),
]

describe('the story of a run', () => {
  it('tells each step once, with its time, and folds quiet hours', () => {
    const phases = story(run(), moments)
    expect(phases.map(({ title, state, tookMs, gapMs }) => [title, state, tookMs, gapMs])).toEqual([
      ['Asked for by Ada', 'done', null, null],
      ['Policy: runs at once', 'done', null, null],
      ['Order signed', 'done', null, null],
      ['Sent to the node', 'done', null, 300_000],
      ['Written into the node’s journal', 'done', null, null],
      ['Fetch the revision', 'done', 2_000, null],
      ['Install dependencies', 'skipped', null, null],
      ['Health check', 'running', null, null],
    ])
    expect(phases[2]!.note).toBe('DEPLOY number 3, signed by sha256:abababab…')
    expect(phases[5]!.note).toBe('abc Subject')
  })
  it('a step that was left open by an end has failed', () => {
    expect(firstFailing(story(run({ done: 'failed', state: 'done' }), moments))?.step).toBe('health')
  })
  it.each([
    ['waiting', 'Waiting for a person'],
    ['ready', 'Waiting for the node'],
    ['sent', 'Waiting for the node’s first word'],
  ])('%s says what is waited for', (state, title) => {
    expect(story(run({ state }), moments.slice(0, 3)).at(-1)).toMatchObject({ title, state: 'waiting' })
  })
  it('an agent is named before whom it acts for', () => {
    const actor = (more: object) => ({ actor: { kind: 'ai', userId: 'u', name: 'Ada', ...more } }) as Run
    expect([actor({}), actor({ agentId: 'k', agentName: 'bot' }), actor({ name: null })].map(whoAsked)).toEqual(['Ada', 'bot (AI agent of Ada)', 'somebody'])
  })
  it('a refusal is told as one', () => {
    expect(story(run({ state: 'done', done: 'denied', policy: { admission: 'deny' } as never }), moments.slice(0, 2))[1]!.state).toBe('failed')
  })
  it('bars lie between the first step and now', () => {
    const phases = story(run(), moments)
    const now = Date.UTC(2026, 0, 1) + 310_000
    expect(barOf(phases[5]!, phases, now)).toEqual({ from: 0, width: 0.2 })
    expect(barOf(phases[7]!, phases, now)).toEqual({ from: 0.2, width: 0.8 })
    expect(barOf(phases[6]!, phases, now)).toBeNull()
    expect(barOf(phases[0]!, phases, now)).toBeNull()
  })
  it.each([['live, watching 10 s', 10_000], ['watching 1.5 min', 90_000], ['watching 500 ms', 500], ['', 10_000]])('%j is watched %i ms', (note, ms) =>
    expect(watchMs(note)).toBe(ms))
})
