import { describe, expect, it } from 'vitest'
import { outline } from '../document/outline'
import { firstView, landing, lineOfLink } from './flow'
import { drawing, type Box, type Drawing } from './layout'

const draw = (value: Record<string, unknown>): Drawing => drawing(outline(value))
const step = (id: string, more: object = {}): object => ({ id, query: '/health', ...more })
const at = ({ steps }: Drawing, key: string): Box => steps.find((box) => box.key === key)!
const isInside = (inner: Box, outer: Box): boolean => inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height
const overlap = (one: Box, other: Box): boolean => one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height

describe('a drawing', () => {
  it('puts each step below what it needs, and those that need the same beside each other', () => {
    const found = draw({ steps: [step('a'), step('b'), step('c', { needs: ['a'] }), step('d', { needs: ['b', 'c'] })] })
    expect(found.links.map(({ key }) => key)).toEqual(['a>b', 'a>c', 'b>d', 'c>d'])
    expect(at(found, 'b').y).toBeGreaterThan(at(found, 'a').y)
    expect(at(found, 'b').y).toBe(at(found, 'c').y)
    expect(overlap(at(found, 'b'), at(found, 'c'))).toBe(false)
    expect(at(found, 'd').y).toBeGreaterThan(at(found, 'c').y)
  })
  it('puts steps within others into frames inside of them, however deep', () => {
    const inner = step('inner', { catch: [step('deep')] })
    const found = draw({ steps: [step('a'), { id: 'each', map: { over: 'x', steps: [inner, step('next')] } }, { id: 'choose', branch: [{ if: 'x', steps: [step('yes')] }, { steps: [] }] }], onFailure: [step('tell')] })
    expect(found.frames.map(({ key }) => key)).toEqual(['steps[1].map.steps', 'steps[1].map.steps[0].catch', 'steps[2].branch[0].steps', 'steps[2].branch[1].steps', 'onFailure'])
    const frame = (key: string): Box => found.frames.find((one) => one.key === key)!
    expect(isInside(at(found, 'inner'), frame('steps[1].map.steps'))).toBe(true)
    expect(isInside(frame('steps[1].map.steps'), at(found, 'each'))).toBe(true)
    expect(isInside(at(found, 'deep'), at(found, 'inner'))).toBe(true)
    expect(isInside(at(found, 'yes'), frame('steps[2].branch[0].steps'))).toBe(true)
    expect(overlap(frame('steps[2].branch[0].steps'), frame('steps[2].branch[1].steps'))).toBe(false)
    expect(isInside(at(found, 'tell'), frame('onFailure'))).toBe(true)
    expect(frame('onFailure').y).toBeGreaterThan(at(found, 'choose').y + at(found, 'choose').height)
    const top = found.steps.filter(({ depth }) => depth === 0)
    for (const one of top) for (const other of top) if (one !== other) expect(overlap(one, other)).toBe(false)
  })
  it('bears with circles, unknown names and nothing at all', () => {
    expect(draw({ steps: [step('a', { needs: ['b', 'gone', 'a'] }), step('b', { needs: ['a'] })] }).links).toHaveLength(2)
    expect(draw({ steps: [] }).frames.map(({ key }) => key)).toEqual(['steps'])
    expect(draw({})).toEqual({ steps: [], frames: [], links: [] })
  })
  it('is made at once, for as many steps as there may be', () => {
    const chain = Array.from({ length: 2_000 }, (_, nth) => step(`s${nth}`))
    const began = performance.now()
    expect(draw({ steps: chain }).steps).toHaveLength(2_000)
    expect(performance.now() - began).toBeLessThan(500)
    // Three ways beside each other, a hundred times.
    const wide = Array.from({ length: 300 }, (_, nth) => step(`s${nth}`, { needs: nth < 3 ? [] : [`s${nth - 3}`, ...(nth % 3 === 0 ? [`s${nth - 1}`] : [])] }))
    expect(draw({ steps: wide }).steps).toHaveLength(300)
  })
})

it('a link goes around the steps between, and ends where it is meant to', () => {
  const found = draw({ steps: [step('a'), step('b'), step('c', { needs: ['a', 'b'] })] })
  const long = found.links.find(({ key }) => key === 'a>c')!
  expect(long.bends.length).toBeGreaterThan(1)
  const between = at(found, 'b')
  for (const { x, y } of long.bends) expect(x > between.x && x < between.x + between.width && y > between.y && y < between.y + between.height).toBe(false)
  expect(lineOfLink({ x: 0, y: 0 }, { x: 10, y: 40 }, [{ x: 5, y: 20 }])).toBe('M 0 0 C 0 10 5 10 5 20 C 5 30 10 30 10 40')
})

describe('a new step that is let go', () => {
  const found = draw({ steps: [step('a'), { id: 'each', map: { over: 'x', steps: [step('in')] } }] })
  const middle = ({ x, y, width, height }: Box): [number, number] => [x + width / 2, y + height / 2]
  it('comes behind the step under it, into the frame around it, between two, or to the end', () => {
    expect(landing(found, ...middle(at(found, 'in')))).toEqual({ step: 'in' })
    expect(landing(found, at(found, 'each').x + 5, at(found, 'each').y + 5)).toEqual({ step: 'each' })
    expect(landing(found, found.frames[0]!.x + 2, found.frames[0]!.y + 20)).toEqual({ frame: 'steps[1].map.steps' })
    expect(landing(found, at(found, 'a').x + at(found, 'a').width / 2, at(found, 'a').y + at(found, 'a').height + 20)).toMatchObject({ link: { key: 'a>each' } })
    expect(landing(found, -500, 0)).toEqual({ end: true })
  })
})

it('what is seen first is all of it where that can be read, else its beginning', () => {
  const small = draw({ steps: [step('a')] })
  expect(firstView(small, { width: 800, height: 600 }).zoom).toBe(1)
  const large = draw({ steps: Array.from({ length: 100 }, (_, nth) => step(`s${nth}`)) })
  const view = firstView(large, { width: 800, height: 600 })
  expect(view.zoom).toBeGreaterThanOrEqual(0.7)
  expect(view.y).toBeGreaterThan(0)
})
