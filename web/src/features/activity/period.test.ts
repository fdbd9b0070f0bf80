import { expect, it } from 'vitest'
import { fromWall, toWall } from './period'

it('goes to the wall and back, to the minute', () => {
  expect(fromWall(toWall('2026-11-21T10:15:00.000Z'))).toBe('2026-11-21T10:15:00.000Z')
  expect(fromWall(toWall('2026-06-01T23:59:31.500Z'))).toBe('2026-06-01T23:59:00.000Z')
})

it('knows what is no time', () => {
  expect(toWall('yesterday')).toBe('')
  expect(toWall('')).toBe('')
  expect(fromWall('')).toBe('')
  expect(fromWall('<b>')).toBe('')
})
