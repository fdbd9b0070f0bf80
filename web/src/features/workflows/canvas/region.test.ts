import { expect, it } from 'vitest'
import { outline } from '../document/outline'
import { drawing } from './layout'
import { areaOf, partOf, regionFor } from './region'

const SCREEN = { width: 800, height: 600 }
const steps = Array.from({ length: 200 }, (_, at) => ({ id: `s${at}`, query: '/health' }))
const whole = drawing(outline({ steps: [...steps, { id: 'each', map: { over: '[]', steps: [{ id: 'in', query: '/apps' }] } }] }))
const seenAt = (y: number, zoom = 1) => areaOf({ x: 0, y: -y * zoom, zoom }, SCREEN)

it('keeps what is there while one moves within it, and goes on at its end', () => {
  const first = regionFor(seenAt(0), null)
  expect(first).toEqual({ left: -800, top: -600, right: 1600, bottom: 1200 })
  expect(regionFor(seenAt(500), first)).toBe(first)
  expect(regionFor(seenAt(700), first).bottom).toBe(1900)
  // Farther away more is in sight; close by again it would be far too much.
  const far = regionFor(seenAt(0, 0.1), first)
  expect(far.bottom).toBe(12_000)
  expect(regionFor(seenAt(0, 0.2), far)).toBe(far)
  expect(regionFor(seenAt(0), far)).not.toBe(far)
})

it('has the steps that are near, with both ends of each link', () => {
  const part = partOf(whole, regionFor(seenAt(0), null))
  expect(part.steps.length).toBeGreaterThan(5)
  expect(part.steps.length).toBeLessThan(40)
  const keys = new Set(part.steps.map(({ key }) => key))
  for (const { from, to } of part.links) expect([keys.has(from), keys.has(to)]).toEqual([true, true])
  expect(part.frames).toEqual([])
  const all = partOf(whole, { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 })
  expect([all.steps.length, all.links.length, all.frames.length]).toEqual([whole.steps.length, whole.links.length, whole.frames.length])
})

it('a link that only passes by is there', () => {
  const long = drawing(outline({ steps: [...steps, { id: 'last', needs: ['s0'], query: '/x' }, { id: 'end', needs: ['s199', 'last'], query: '/x' }] }))
  const middle = long.steps.find(({ key }) => key === 's100')!
  const part = partOf(long, { left: -1e4, top: middle.y, right: 1e4, bottom: middle.y + 10 })
  expect(part.links.some(({ key }) => key === 'last>end' || key === 's0>last')).toBe(true)
})
