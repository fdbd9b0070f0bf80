import { describe, expect, it, vi } from 'vitest'
import type { Plan, Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import { act, joined, pieces, type Order } from './orders'

const plan = (steps: string[], losses: string[] = [], waitsFor: string | null = null): Plan => ({ steps, losses, waitsFor, decision: {}, guard: {} })
const run = (id: string) => ({ id }) as Schemas['Run']
const order = (id: string, why?: string): Order => ({
  plan: async () => plan([`move ${id}`]),
  give: async () => {
    if (why) throw new Problem({ code: 'file.exists', message: why, status: 409 })
    return run(id)
  },
})

it('cuts into pieces', () => {
  expect(pieces([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(pieces([], 2)).toEqual([])
})

it('joins plans: every step, every loss once, and what any waits for', () => {
  expect(joined([plan(['a'], ['x']), plan(['b'], ['x', 'y'], 'a person')])).toMatchObject({ steps: ['a', 'b'], losses: ['x', 'y'], waitsFor: 'a person' })
})

describe('an act', () => {
  it('plans all of its orders and gives them one after another', async () => {
    const opened = vi.fn()
    const one = act([order('1'), order('2'), order('3'), order('4'), order('5')], { title: 'Move', opened })
    expect((await one.plan()).steps).toEqual(['move 1', 'move 2', 'move 3', 'move 4', 'move 5'])
    expect(opened).not.toHaveBeenCalled()
    await one.perform()
    expect(opened.mock.calls.map(([{ id }]) => id)).toEqual(['1', '2', '3', '4', '5'])
  })
  it('that is refused halfway says how far it came, and goes no further', async () => {
    const opened = vi.fn()
    const one = act([order('1'), order('2', 'It is there already.'), order('3')], { title: 'Move', opened })
    await expect(one.perform()).rejects.toThrow(/1 of 3.*It is there already\./)
    expect(opened).toHaveBeenCalledTimes(1)
  })
  it('that is refused at once says only why', async () => {
    await expect(act([order('1', 'No room.')], { title: 'Move', opened: () => {} }).perform()).rejects.toThrow(/^No room\.$/)
  })
})
