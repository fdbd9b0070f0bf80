import { describe, expect, it } from 'vitest'
import { placeOf, type Side } from './hint'

const window = { width: 400, height: 300 }
const size = { width: 100, height: 20 }
const at = (left: number, top: number) => ({ left, top, right: left + 40, bottom: top + 30 })

describe('where a hint stands', () => {
  it.each<[string, ReturnType<typeof at>, Side, { left: number; top: number }]>([
    ['above, in the middle', at(180, 100), 'top', { left: 150, top: 74 }],
    ['below where there is no room above', at(180, 10), 'top', { left: 150, top: 46 }],
    ['beside', at(10, 100), 'right', { left: 56, top: 105 }],
    ['on the other side at the edge', at(350, 100), 'right', { left: 244, top: 105 }],
    ['pushed back into the window', at(0, 100), 'bottom', { left: 4, top: 136 }],
  ])('%s', (_, anchor, side, expected) => {
    expect(placeOf(anchor, size, side, window)).toEqual(expected)
  })
})
