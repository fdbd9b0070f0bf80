import { expect, it } from 'vitest'
import { gauge, ran, rate, type Sample } from './course'

const sample = (second: number, more: Partial<Sample> = {}): Sample => ({ at: new Date(second * 1_000).toISOString(), state: 'running', samples: 1, up: 1, stepSecs: 30, ...more })

it('a mean of several samples has what it hides beside it', () => {
  const of = (count: number) => [sample(0, { samples: count, memory: { mean: 5, low: 1, high: 9 } }), sample(30, { samples: count })]
  expect(gauge(of(1), 'memory')).toEqual({ values: [5, null] })
  expect(gauge(of(2), 'memory')).toEqual({ values: [5, null], low: [1, null], high: [9, null] })
})

it('a rate needs a sample not long before, and a network that is known', () => {
  const flow = { sum: 3_000, most: 500 }
  const samples = [sample(0, { received: flow }), sample(30, { received: flow }), sample(60), sample(90, { received: flow }), sample(900, { received: flow })]
  expect(rate(samples, 'received', 100_000)).toEqual([null, 100, null, 100, null])
})

it('how long it ran is of the samples there are', () => {
  expect(ran([])).toBeNull()
  expect(ran([sample(0, { samples: 10, up: 5 }), sample(30, { samples: 10, up: 10 })])).toBe(0.75)
})
