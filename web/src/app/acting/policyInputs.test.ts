import { expect, it } from 'vitest'
import { policyInputs } from './policyInputs'

it('tells what a report turned out to be worth, also where nothing is known', () => {
  const inputs = { report: { score: 95 }, calibration: { score: 85, estimatePermille: 918, good: 39, evidence: 41 }, passesFreeze: false }
  const facts = Object.fromEntries(policyInputs({ inputs, confidence: 85 }))
  expect(facts['What that turned out to be worth']).toBe('about 92 % go well; 39 of 41 like it did')
  expect(facts['How sure the proposer said it is']).toBe('95 of 100')
  expect(facts['Confidence compared']).toBe('85 of 100')
  expect(facts['Goes ahead while changes are frozen']).toBe('no')
  const cold = policyInputs({ inputs: { calibration: { estimatePermille: 650, good: 0, evidence: 0 } } })
  expect(cold[0]?.[1]).toBe('about 65 % go well; nothing like it has run yet')
  expect(policyInputs({ inputs: { calibration: null } })[0]?.[1]).toBe('nothing')
})

it('shows decisions from before calibration as they were', () => {
  expect(policyInputs({ inputs: { record: { good: 3, bad: 1 } } })).toEqual([['Earlier runs of this by the same proposer', '3 good, 1 bad']])
})
