import { describe, expect, it } from 'vitest'
import { all, meant, none, NOTHING, press, retain, step, type Selection } from './selection'

const names = ['a', 'b', 'c', 'd', 'e']
const told = ({ chosen, active }: Selection): string => `${[...chosen].sort().join('')}@${active ?? '-'}`

describe('pressing', () => {
  const b = press(NOTHING, names, 'b')
  it('chooses one', () => expect(told(b)).toBe('b@b'))
  it('extends from there, in both directions', () => {
    expect(told(press(b, names, 'd', { extend: true }))).toBe('bcd@d')
    expect(told(press(press(b, names, 'd', { extend: true }), names, 'a', { extend: true }))).toBe('ab@a')
  })
  it('adds and takes away', () => {
    const two = press(b, names, 'd', { toggle: true })
    expect(told(two)).toBe('bd@d')
    expect(told(press(two, names, 'b', { toggle: true }))).toBe('d@b')
    expect(told(press(two, names, 'e', { toggle: true, extend: true }))).toBe('bde@e')
  })
  it('a stretch without a beginning is one row', () => expect(told(press(NOTHING, names, 'c', { extend: true }))).toBe('c@c'))
  it('what is not in the list chooses nothing', () => expect(press(b, names, 'x', { extend: true }).chosen.size).toBe(0))
})

describe('walking', () => {
  it.each([
    ['down', null, 'a'],
    ['up', null, 'e'],
    ['down', 'e', 'e'],
    ['up', 'a', 'a'],
    ['first', 'd', 'a'],
    ['last', 'a', 'e'],
    ['pageDown', 'b', 'd'],
    ['pageUp', 'b', 'a'],
  ] as const)('%s from %s goes to %s', (to, active, expected) => expect(step({ ...NOTHING, active }, names, to, 2).active).toBe(expected))
  it('chooses nothing without Shift, and what lies between with it', () => {
    const at = step({ ...NOTHING, active: 'b', anchor: 'b' }, names, 'down', 2)
    expect(told(at)).toBe('@c')
    expect(told(step(step(at, names, 'down', 2, true), names, 'down', 2, true))).toBe('cde@e')
    expect(told(step(step(at, names, 'down', 2, true), names, 'up', 2, true))).toBe('c@c')
  })
  it('an empty list has nowhere to go', () => expect(step(NOTHING, [], 'down', 2)).toBe(NOTHING))
})

it('all, none, and what is meant', () => {
  const at = { ...NOTHING, active: 'b' }
  expect(meant(at, names)).toEqual(['b'])
  expect(meant(all(at, names), names)).toEqual(names)
  expect(meant(none(all(at, names)), names)).toEqual(['b'])
  expect(meant({ ...NOTHING, active: 'gone' }, names)).toEqual([])
  expect(meant({ ...NOTHING, chosen: new Set(['d', 'a']) }, names)).toEqual(['a', 'd'])
})

describe('what is gone', () => {
  it('is not chosen any more, and the next row has the focus', () => expect(told(retain({ chosen: new Set(['b', 'd']), active: 'b', anchor: 'b' }, names, ['a', 'c', 'd']))).toBe('d@c'))
  it('of the last row, the one before', () => expect(retain({ ...NOTHING, active: 'e' }, names, ['a', 'b']).active).toBe('b'))
  it('of everything, none', () => expect(retain({ ...NOTHING, active: 'e', chosen: new Set('e') }, names, [])).toEqual(NOTHING))
})
