import { expect, it } from 'vitest'
import { joined, requestRate, type Sample } from './useSamples'

const sample = (secs: number, requests = 0): Sample => ({
  at: new Date(secs * 1_000).toISOString(),
  state: 'running',
  cpuPermille: 0,
  memory: 0,
  processes: 1,
  requests,
  restarts: 0,
})

it('joins what was read with what was told, each once', () => {
  const times = joined([sample(10), sample(20)], [sample(20), sample(21), sample(22)], 15_000).map(({ at }) => Date.parse(at) / 1_000)
  expect(times).toEqual([20, 21, 22])
})

it('reckons requests a second, and none over a silence', () => {
  expect(requestRate([sample(0, 99), sample(10, 50), sample(10, 3), sample(2_000, 5)], 30_000)).toEqual([null, 5, null, null])
})
