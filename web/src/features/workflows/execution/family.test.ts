import { expect, it } from 'vitest'
import type { Execution } from '../workflowActs'
import { family } from './family'

const run = (runId: string, minute: number, forkedFrom: string | null = null): Execution =>
  ({ runId, forkedFrom, openedAt: `2026-01-01T00:0${minute}:00Z` }) as unknown as Execution
const shape = (all: Execution[]): string[] => family(all).map(({ execution, depth }) => `${'.'.repeat(depth)}${execution.runId}`)

it('puts forks behind what they were forked from, the older first', () => {
  expect(shape([run('below', 4, 'late'), run('late', 3, 'first'), run('first', 0), run('early', 1, 'first')])).toEqual(['first', '.early', '.late', '..below'])
})

it('loses none whose origin is not among them', () => {
  expect(shape([run('own', 2, 'gone'), run('fork', 3, 'own')])).toEqual(['own', '.fork'])
})
