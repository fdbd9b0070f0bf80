import { describe, expect, it } from 'vitest'
import { confidenceOf } from './confidence'

const calibration = { score: 62, estimatePermille: 760, lowPermille: 624, highPermille: 861, method: 'beta', level: 'pair', evidence: 40, good: 31, heldBy: null }
const policy = (inputs: object, confidence: number | null = null) => ({ confidence, inputs: { notifyAt: 70, autoAt: 90, proposer: 'ai', report: { score: 95 }, calibration, ...inputs } }) as never

describe('confidence, in words', () => {
  it('sets what the AI said beside what is known', () => {
    const told = confidenceOf(policy({}, 62))!
    expect(told).toMatchObject({ score: 62, reported: 95, low: 62, high: 86, notifyAt: 70, autoAt: 90, rules: [] })
    expect(told.because.slice(0, 2)).toEqual(['The AI agent itself said 95.', 'Of 40 runs of this action by this AI agent that are known, 31 went well.'])
  })
  it.each([
    ['none', 'The AI agent did not say how sure it is.'],
    ['malformed', 'What the AI agent said about how sure it is was no score, so it asks.'],
  ])('says so where the report is %s', (report, words) => expect(confidenceOf(policy({ report }))!.because[0]).toBe(words))
  it('does not make up a record', () => {
    expect(confidenceOf(policy({ calibration: null }))!.because[1]).toMatch(/Nothing is known/)
    expect(confidenceOf(policy({ calibration: { ...calibration, evidence: 0, level: null } }))!.because[1]).toMatch(/Nothing is known/)
  })
  it('says what holds it down', () => expect(confidenceOf(policy({ calibration: { ...calibration, heldBy: 'lastRuns' } }))!.because.at(-1)).toMatch(/last runs/))
  it('has no score for a person', () => expect(confidenceOf(policy({ proposer: 'person', report: 'none', calibration: null }))).toMatchObject({ score: null, because: ['A person proposed it: a person with the right needs no score.'] }))
  it.each([
    [{ neverAuto: true }, /never run by themselves/],
    [{ opensGates: true }, /who may do what/],
    [{ destroys: true }, /lost/],
    [{ frozen: true, frozenBy: 'weekend' }, /weekend/],
    [{ overBudget: '5 runs in 60 min' }, /5 runs in 60 min/],
  ])('names the rule %j', (inputs, words) => expect(confidenceOf(policy(inputs))!.rules).toEqual([expect.stringMatching(words)]))
  it('names no rule that did not hold', () => expect(confidenceOf(policy({ destroys: true, waived: true, frozen: true, passesFreeze: true }))!.rules).toEqual([]))
  it('is nothing where nothing is known', () => expect(confidenceOf(undefined)).toBeNull())
})
