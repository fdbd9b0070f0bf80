import { expect, it } from 'vitest'
import { rates, SPAN_MS, ticked, type Sample } from './stats'

const sample = (at: number, change: Partial<Sample> = {}): Sample => ({ at, state: 'running', cpuPermille: 10, memory: 1, processes: 1, disk: 1, netReceived: 0, netSent: null, uptimeMs: at, ...change })

it('keeps as much as the charts show', () => {
  let samples: readonly Sample[] = []
  for (let at = 0; at < 2 * SPAN_MS; at += 1_000) samples = ticked(samples, sample(at))
  expect(samples.at(-1)!.at - samples[0]!.at).toBe(SPAN_MS)
})

it('takes none twice, and none without a time', () => {
  const samples = ticked([], sample(5))
  expect(ticked(samples, sample(5))).toBe(samples)
  expect(ticked(samples, sample(NaN))).toBe(samples)
})

it('tells bytes a second, and nothing over a silence', () => {
  const samples = [sample(0), sample(1_000, { netReceived: 500 }), sample(3_000, { netReceived: 500 }), sample(20_000, { netReceived: 9_000 })]
  expect(rates(samples, 'netReceived')).toEqual([null, 500, 250, null])
  expect(rates(samples, 'netSent')).toEqual([null, null, null, null])
})
