import { expect, it } from 'vitest'
import { Heights } from './heights'

it('sums and finds like plain adding does', () => {
  const heights = new Heights(20)
  const plain = Array.from({ length: 777 }, () => 20)
  heights.reset(777, () => undefined)
  for (const [at, height] of [[0, 40], [5, 100.5], [776, 1], [300, 60], [5, 20]] as const) {
    plain[at] = height
    heights.set(at, height)
  }
  const above = (at: number): number => plain.slice(0, at).reduce((sum, height) => sum + height, 0)
  for (const at of [0, 1, 5, 6, 300, 301, 776, 777]) expect(heights.above(at)).toBeCloseTo(above(at))
  for (const at of [0, 1, 6, 301, 776]) {
    expect(heights.at(above(at))).toBe(at)
    expect(heights.at(above(at) + 0.5)).toBe(at)
  }
  expect(heights.at(-5)).toBe(0)
  expect(heights.at(1e9)).toBe(776)
})

it('what was measured is known again after lines were put before', () => {
  const heights = new Heights(20)
  heights.reset(3, (at) => (at === 1 ? 60 : undefined))
  expect(heights.above(3)).toBe(100)
  expect(heights.set(1, 60.2)).toBe(false)
  heights.reset(0, () => undefined)
  expect([heights.count, heights.above(0), heights.at(0)]).toEqual([0, 0, 0])
})
