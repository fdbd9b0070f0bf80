// @vitest-environment jsdom
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from '@/api/client'
import { socket } from '@/api/socket'
import { useConsole } from './useConsole'

type Listener = Parameters<typeof socket.listen>[1]
const kept = { oldest: 1, newest: 0 }
let hear: Listener
let asked: (number | null)[]
let pages: { unmount: () => void }[] = []

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  kept.oldest = 1
  kept.newest = 5
  socket.connection.value = 'live'
  vi.spyOn(socket, 'listen').mockImplementation((_topic, listener) => ((hear = listener), () => {}))
  // A machine that keeps the lines from `oldest` to `newest`, and answers three at a time.
  vi.spyOn(api, 'GET').mockImplementation((async (_path: string, { params }: { params: { query: { after?: number } } }) => {
    const after = params.query.after ?? Math.max(kept.oldest, kept.newest - 2) - 1
    asked.push(params.query.after ?? null)
    const lines = []
    for (let at = Math.max(after + 1, kept.oldest); at <= kept.newest && lines.length < 3; at++) lines.push({ sequence: at, at: '2026-01-01T00:00:00Z', stream: 'out', text: `${at}`, releaseId: null })
    return { data: { success: true, data: { lines, ...kept }, meta: {} }, response: new Response() }
  }) as never)
})
afterEach(() => {
  for (const page of pages.splice(0)) page.unmount()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function opened() {
  let view!: ReturnType<typeof useConsole>
  const page = mount({ setup: () => ((view = useConsole(() => 's')), () => null) })
  pages.push(page)
  await vi.advanceTimersByTimeAsync(100)
  return { view }
}
const say = (from: number, to: number, more: object = {}): void => {
  kept.newest = Math.max(kept.newest, to)
  const lines = []
  for (let at = from; at <= to; at++) lines.push({ sequence: at, at: '1970-01-01T00:00:00.000Z', stream: 'out', text: `${at}`, releaseId: null })
  hear({ event: 'console.output', topic: 'console:s', at: '2026-01-01T00:00:01Z', data: { lines, skipped: 0, sample: null, ...more } })
}
const numbers = (view: ReturnType<typeof useConsole>) => view.lines.value.map(({ sequence }) => sequence)

it('begins with the newest lines, goes on live, and reads older ones when asked', async () => {
  const { view } = await opened()
  expect(numbers(view)).toEqual([3, 4, 5])
  expect(view.more.value).toBe(true)
  say(6, 7)
  await vi.advanceTimersByTimeAsync(100)
  expect(numbers(view)).toEqual([3, 4, 5, 6, 7])
  await view.older(null)
  expect(numbers(view)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(view.more.value).toBe(false)
})

it('reads back what was left out, without a gap and without a repetition', async () => {
  const { view } = await opened()
  say(12, 13, { skipped: 6 })
  await vi.advanceTimersByTimeAsync(60)
  await flushPromises()
  await vi.advanceTimersByTimeAsync(60)
  expect(numbers(view)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  expect(view.lost.value).toBe(0)
  expect(view.filling.value).toBe(0)
})

it('counts what its machine no longer keeps', async () => {
  const { view } = await opened()
  kept.oldest = 10
  say(12, 13, { skipped: 6 })
  await vi.advanceTimersByTimeAsync(100)
  expect(numbers(view)).toEqual([3, 4, 5, 10, 11, 12, 13])
  expect(view.lost.value).toBe(4)
})

it('catches up after the line was away', async () => {
  const { view } = await opened()
  socket.connection.value = 'away'
  await flushPromises()
  expect(view.state.value).toBe('catching')
  kept.newest = 11
  asked = []
  socket.connection.value = 'live'
  await vi.advanceTimersByTimeAsync(100)
  expect(numbers(view)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(asked[0]).toBe(5)
})

it('waits for a machine that is away, and not for a right that is missing', async () => {
  const answer = (status: number) => async () => ({ error: { success: false, error: { code: 'x', message: 'x' }, meta: {} }, response: new Response(null, { status }) })
  const get = vi.spyOn(api, 'GET')
  get.mockImplementation(answer(409) as never)
  await opened()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(get.mock.calls.length).toBeGreaterThan(2)
  for (const page of pages.splice(0)) page.unmount()
  get.mockClear()
  get.mockImplementation(answer(403) as never)
  const { view } = await opened()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(get).toHaveBeenCalledTimes(1)
  expect(view.failed.value?.status).toBe(403)
})
