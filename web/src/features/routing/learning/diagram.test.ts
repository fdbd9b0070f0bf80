import { expect, it } from 'vitest'
import { curvesOf, ofHundred, path, points } from './diagram'

const bin = (predicted: number, observed: number, count: number) => ({ predicted, observed, low: observed - 0.1, high: observed + 0.1, count })

it('puts what was perfectly known on the diagonal', () => {
  const found = points({ bins: [bin(0.2, 0.2, 4), bin(0.9, 0.9, 1)] }, 100)
  expect(found.map(({ x, y }) => Math.round(x + y))).toEqual([100, 100])
  expect(path(found)).toBe('M20.0 80.0L90.0 10.0')
})

it('draws more decisions larger, and none too small to see', () => {
  const found = points({ bins: [bin(0.2, 0.2, 100), bin(0.5, 0.5, 25), bin(0.9, 0.9, 1)] }, 100)
  expect(found.map(({ radius }) => radius)).toEqual([9, 4.5, 3])
})

it('has the range around the point', () => {
  const [one] = points({ bins: [bin(0.5, 0.5, 1)] }, 100)
  expect([one!.top, one!.y, one!.bottom].map(Math.round)).toEqual([40, 50, 60])
})

it('is empty where nothing is known', () => {
  expect(curvesOf(undefined).reported).toMatchObject({ count: 0, bins: [] })
  expect(path(points({ bins: [] }, 100))).toBe('')
  expect([ofHundred(0.834), ofHundred(NaN)]).toEqual(['83', '–'])
})
