import { describe, expect, it } from 'vitest'
import { drawn, leaning, letGo, progress, speed, threshold } from './swipe'

const WIDTH = 360
const drag = (dx: number, dy = 0, vx = 0, vy = 0) => ({ dx, dy, vx, vy })

describe('letting go', () => {
  it.each([
    ['far to the right', drag(120), false, 'right'],
    ['far to the left', drag(-120), false, 'left'],
    ['far up', drag(10, -120), false, 'up'],
    ['a little', drag(40), false, null],
    ['a little, thrown', drag(40, 0, 0.8), false, 'right'],
    ['hardly moved, thrown', drag(8, 0, 2), false, null],
    ['far, and thrown back', drag(140, 0, -0.9), false, null],
    ['a little to the left, thrown to the right', drag(-40, 0, 0.9), false, null],
    ['down', drag(0, 300, 0, 2), false, null],
    ['nowhere', drag(0), false, null],
    ['a dangerous one, thrown', drag(60, 0, 2), true, null],
    ['a dangerous one, as far as others', drag(120), true, null],
    ['a dangerous one, further', drag(170), true, 'right'],
    ['a dangerous one, up to look at it', drag(0, -110), true, 'up'],
  ] as const)('%s', (_name, moved, heavy, side) => expect(letGo(moved, WIDTH, heavy)).toBe(side))
})

it('shows that it counts exactly when it does', () => {
  for (const heavy of [false, true]) {
    for (let dx = -260; dx <= 260; dx += 4) {
      expect(progress({ dx, dy: 0 }, WIDTH, heavy) >= 1, `${dx}, heavy: ${heavy}`).toBe(letGo(drag(dx), WIDTH, heavy) !== null)
    }
  }
})

it('asks for no more than a thumb can do, and no less than a slip', () => {
  expect([threshold(100), threshold(360), threshold(2_000)]).toEqual([72, 108, 160])
})

it('leans where it was moved further', () => {
  expect([leaning({ dx: 9, dy: -8 }), leaning({ dx: 8, dy: -9 }), leaning({ dx: 0, dy: 5 })]).toEqual(['right', 'up', null])
})

it('turns no more than it can be read at', () => {
  expect(drawn({ dx: 900, dy: 0 }).turn).toBe(6)
  expect(drawn({ dx: 0, dy: 100 }).y).toBeLessThan(20)
})

describe('speed', () => {
  const points = [{ x: 0, y: 0, at: 0 }, { x: 50, y: 0, at: 50 }, { x: 100, y: 10, at: 100 }]
  it('is that of the last moment', () => expect(speed(points, 100)).toEqual({ vx: 1, vy: 0.2 }))
  it('is none after a rest', () => expect(speed(points, 400)).toEqual({ vx: 0, vy: 0 }))
  it('is none of one point', () => expect(speed([points[0]!], 0)).toEqual({ vx: 0, vy: 0 }))
})
