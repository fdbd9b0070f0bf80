import { describe, expect, it } from 'vitest'
import { caughtUp, gapOf, MAX_LINES, NOTHING, readBack, took, type Stream } from './stream'

const line = (sequence: number) => ({ sequence, at: '2026-01-01T00:00:00.000Z', stream: 'out', text: `line ${sequence}`, releaseId: null })
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => line(from + at))
const numbers = ({ lines }: Stream) => lines.map(({ sequence }) => sequence)

describe('lines that follow one another', () => {
  const stream = took(took(NOTHING, lines(5, 7)), lines(7, 9))
  it('are there once each', () => expect(numbers(stream)).toEqual([5, 6, 7, 8, 9]))
  it('leave no gap', () => expect(gapOf(stream)).toBeNull())
  it('change nothing where nothing is new', () => expect(took(stream, lines(6, 8))).toBe(stream))
})

describe('lines that were left out', () => {
  const stream = took(took(NOTHING, lines(1, 3)), lines(8, 9))
  it('are a gap', () => expect(gapOf(stream)).toEqual({ after: 3, before: 8 }))

  it('are read back', () => {
    const whole = readBack(stream, gapOf(stream)!, { lines: lines(4, 9), oldest: 1, newest: 9 })
    expect(numbers(whole)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(gapOf(whole)).toBeNull()
    expect(whole.lost).toBe(0)
  })

  it('are read back a page at a time', () => {
    const some = readBack(stream, gapOf(stream)!, { lines: lines(4, 5), oldest: 1, newest: 9 })
    expect(gapOf(some)).toEqual({ after: 5, before: 8 })
    expect(gapOf(readBack(some, gapOf(some)!, { lines: lines(6, 7), oldest: 1, newest: 9 }))).toBeNull()
  })

  it('are given up and counted where their machine no longer keeps them', () => {
    const some = readBack(stream, gapOf(stream)!, { lines: lines(6, 9), oldest: 6, newest: 9 })
    expect(numbers(some)).toEqual([1, 2, 3, 6, 7, 8, 9])
    expect(some.lost).toBe(2)
    expect(gapOf(some)).toBeNull()
  })

  it('are given up where nothing of them comes', () => {
    const none = readBack(stream, gapOf(stream)!, { lines: [], oldest: 20, newest: 30 })
    expect(none.lost).toBe(4)
    expect(gapOf(none)).toBeNull()
  })

  it('of which more came meanwhile are still found', () => {
    const two = took(stream, lines(12, 12))
    const one = readBack(two, gapOf(two)!, { lines: lines(4, 9), oldest: 1, newest: 12 })
    expect(gapOf(one)).toEqual({ after: 9, before: 12 })
  })
})

it('older lines put before leave no gap of their own', () => {
  const stream = took(took(NOTHING, lines(10, 12)), lines(1, 9))
  expect(gapOf(stream)).toBeNull()
  expect(took(stream, lines(13, 13)).solid).toBe(13)
})

it('coming back fills what was missed, and repeats nothing', () => {
  const before = took(NOTHING, lines(1, 5))
  const after = caughtUp(before, { lines: lines(6, 8), oldest: 1, newest: 8 })
  expect(numbers(after)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

it('a console that begins anew is not mixed with the one before', () => {
  const before = took(NOTHING, lines(100, 120))
  expect(numbers(caughtUp(before, { lines: lines(1, 2), oldest: 1, newest: 2 }))).toEqual([1, 2])
})

it('is bounded, and what went from its beginning is no gap', () => {
  let stream = NOTHING
  for (let from = 1; from < MAX_LINES + 2_000; from += 1_000) stream = took(stream, lines(from, from + 999))
  expect(stream.lines.length).toBe(MAX_LINES)
  expect(gapOf(stream)).toBeNull()
})
