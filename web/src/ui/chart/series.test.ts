import { describe, expect, it } from 'vitest'
import { columnsOf, rowsOf, sparkPath, summary, type Series, withSpread } from './series'

const line = (values: (number | null)[]): Series => ({ label: 'CPU', values, tone: 'accent' })

describe('columnsOf', () => {
  it('leaves steady samples as they are', () => {
    expect(columnsOf([0, 10, 20, 30], [line([1, 2, 3, 4])])).toEqual([[0, 10, 20, 30], [1, 2, 3, 4]])
  })
  it('breaks the line where samples are missing', () => {
    expect(columnsOf([0, 10, 20, 90, 100], [line([1, 2, 3, 4, 5])])).toEqual([[0, 10, 20, 21, 90, 100], [1, 2, 3, null, 4, 5]])
  })
  it('takes the length of a gap as told', () => {
    expect(columnsOf([0, 1, 2, 30], [line([1, 2, 3, 4])], 40)[0]).toEqual([0, 1, 2, 30])
    expect(columnsOf([0, 50], [line([1, 2])], 40)[1]).toEqual([1, null, 2])
  })
  it('calls nothing a gap with two samples', () => {
    expect(columnsOf([0, 5_000], [line([1, 2])])[0]).toEqual([0, 5_000])
  })
  it('has a null for a value that was not given', () => {
    expect(columnsOf([0, 10], [line([1])])).toEqual([[0, 10], [1, null]])
  })
})

describe('rowsOf', () => {
  it('is newest first', () => {
    expect(rowsOf([1, 2], [line([10, 20])])).toEqual([{ time: 2, values: [20] }, { time: 1, values: [10] }])
  })
  it('thins a long series and keeps the newest', () => {
    const times = Array.from({ length: 1_000 }, (_, at) => at)
    const rows = rowsOf(times, [line(times)])
    expect(rows.length).toBeLessThanOrEqual(120)
    expect(rows[0]!.time).toBe(999)
  })
})

describe('summary', () => {
  it('passes over what is not known', () => expect(summary([null, 3, 1, null])).toEqual({ low: 1, high: 3, last: 1 }))
  it('says when nothing is known', () => expect(summary([null])).toBeNull())
})

describe('sparkPath', () => {
  it('scales to its box', () => expect(sparkPath([0, 5, 10], 20, 10)).toBe('M0.0 10.0L10.0 5.0L20.0 0.0'))
  it('breaks at a gap', () => expect(sparkPath([1, null, 1], 20, 10, 2)).toBe('M0.0 5.0M20.0 5.0'))
  it('draws nothing from nothing', () => expect(sparkPath([], 20, 10)).toBe(''))
  it('stands zeros on the ground', () => expect(sparkPath([0, 0], 10, 10)).toBe('M0.0 10.0L10.0 10.0'))
})

it('puts the lowest and highest behind each line that has them', () => {
  const series = [
    { label: 'CPU', tone: 'accent' as const, values: [2], low: [1], high: [9] },
    { label: 'Load', tone: 'info' as const, values: [3] },
  ]
  const shown = withSpread(series, { low: (label) => `${label} low`, high: (label) => `${label} high` })
  expect(shown.map(({ label, values }) => [label, values])).toEqual([
    ['CPU', [2]],
    ['CPU low', [1]],
    ['CPU high', [9]],
    ['Load', [3]],
  ])
})
