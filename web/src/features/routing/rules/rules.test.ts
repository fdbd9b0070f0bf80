import { describe, expect, it } from 'vitest'
import { reactive } from 'vue'
import { draftOf, gates, isSame, moved, patterns, rulesOf, wallMs, wallText, whenOf, type Rules } from './rules'

const RULES: Rules = {
  autoAt: 95,
  neverAuto: ['app.delete'],
  freezes: [{ name: 'weekend', actions: ['app.*'], when: { kind: 'weekly', days: [5], from: '18:00', minutes: 3720, timezone: 'Europe/Berlin' } }],
  budgets: [{ runs: 0, minutes: 60 }],
  approvals: [{ actions: ['*'], quorum: 2, fourEyes: true }],
}

it('sends what it read where nothing was changed', () => {
  expect(rulesOf(draftOf(RULES))).toEqual(RULES)
  expect(rulesOf(draftOf({}))).toEqual({})
  expect(isSame(RULES, { ...RULES, waived: [] })).toBe(true)
  expect(isSame(RULES, { ...RULES, autoAt: 94 })).toBe(false)
})

it('sends nothing that is empty, and a zero that is meant', () => {
  const draft = draftOf(RULES)
  draft.approvals[0]!.fourEyes = false
  draft.approvals[0]!.approvers = []
  draft.freezes[0]!.actions = []
  draft.notifyAt = 0
  const sent = rulesOf(draft)
  expect(sent.approvals).toEqual([{ actions: ['*'], quorum: 2 }])
  expect(sent.freezes![0]).not.toHaveProperty('actions')
  expect(sent.budgets).toEqual([{ runs: 0, minutes: 60 }])
  expect(sent.notifyAt).toBe(0)
})

it('leaves what was read as it is, also where it is watched', () => {
  const draft = draftOf(reactive(structuredClone(RULES)))
  expect(rulesOf(draft)).toEqual(RULES)
  draft.neverAuto.push('app.stop')
  draft.freezes[0]!.name = 'other'
  expect(RULES.neverAuto).toEqual(['app.delete'])
  expect(RULES.freezes![0]!.name).toBe('weekend')
})

describe('gates', () => {
  const installed = { notifyAt: 70, autoAt: 90 }
  it('are as above where nothing is said', () => expect(gates({ autoAt: 95 }, installed)).toEqual({ notifyAt: 70, autoAt: 95 }))
  it.each([
    ['notifyAt', 80, { notifyAt: 80, autoAt: 90 }],
    ['notifyAt', 97, { notifyAt: 97, autoAt: 97 }],
    ['autoAt', 60, { notifyAt: 60, autoAt: 60 }],
    ['autoAt', 400, { notifyAt: 70, autoAt: 100 }],
    ['notifyAt', -4, { notifyAt: 0, autoAt: 90 }],
  ] as const)('%s moved to %i', (gate, to, expected) => expect(moved(draftOf({}), gate, to, installed)).toEqual(expected))
})

it('reads back the wall clock it wrote', () => {
  const at = new Date(2026, 10, 7, 4, 5).getTime()
  expect(wallText(at)).toBe('2026-11-07T04:05')
  expect(wallMs(wallText(at))).toBe(at)
  expect(wallMs('')).toBeNull()
})

it('reads moments as they are kept now and as they were kept', () => {
  const at = new Date(2026, 10, 7, 4, 5)
  expect(wallText(at.toISOString())).toBe('2026-11-07T04:05')
  expect(wallText(at.getTime())).toBe('2026-11-07T04:05')
})

it('begins another kind of time with what is valid', () => {
  expect(whenOf('now', 0)).toEqual({ kind: 'now' })
  const between = whenOf('between', 5)
  expect(between).toEqual({ kind: 'between', from: '1970-01-01T00:00:00.005Z', until: '1970-01-02T00:00:00.005Z' })
  expect(whenOf('weekly', 0)).toMatchObject({ days: [5], from: '18:00', timezone: expect.any(String) })
})

it('offers all, families and actions', () => expect(patterns(['app.deploy', 'app.stop', 'node.remove'])).toEqual(['*', 'app.*', 'node.*', 'app.deploy', 'app.stop', 'node.remove']))
