import { describe, expect, it } from 'vitest'
import { asProblem, Problem, retryAfter } from './problem'

const now = Date.parse('2026-11-21T10:00:00Z')

it.each<[string | null, number | null]>([
  [null, null],
  ['', null],
  ['0', 0],
  ['2', 2_000],
  ['-5', 0],
  // A wrong clock or a joker cannot park the page.
  ['86400', 60_000],
  ['Sat, 21 Nov 2026 10:00:05 GMT', 5_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
  ['soon', null],
])('Retry-After %j waits %j ms', (header, expected) => expect(retryAfter(header, now)).toBe(expected))

describe('anything caught becomes a problem', () => {
  it('one that is a problem stays itself', () => {
    const problem = new Problem({ code: 'a.b', message: 'No.', status: 409 })
    expect(asProblem(problem)).toBe(problem)
    expect(problem.isAway).toBe(false)
    expect(problem.isPassing).toBe(false)
  })
  it.each([new TypeError('Failed to fetch'), new DOMException('late', 'TimeoutError')])('no answer: %s', (thrown) => {
    const problem = asProblem(thrown)
    expect(problem.code).toBe('network.away')
    expect(problem.isAway && problem.isPassing).toBe(true)
    expect(problem.fix).not.toBe('')
  })
  it.each([new RangeError('at 7'), 'a word', new DOMException('', 'AbortError')])('a defect of ours is no outage: %s', (thrown) => {
    expect(asProblem(thrown).isAway).toBe(false)
  })
  it.each([
    [429, false, true],
    [500, false, false],
    [502, true, true],
    [503, true, true],
    [504, true, true],
  ])('status %i: away %s, passing %s', (status, away, passing) => {
    const problem = new Problem({ code: 'x', message: 'x', status })
    expect([problem.isAway, problem.isPassing]).toEqual([away, passing])
  })
})
