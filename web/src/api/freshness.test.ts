import { QueryClient } from '@tanstack/vue-query'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { PlaneEvent } from './socket'

const listeners = new Map<string, (event: PlaneEvent) => void>()
let gap = (): void => {}
vi.mock('./socket', () => ({
  socket: {
    listen: (topic: string, listener: (event: PlaneEvent) => void) => listeners.set(topic, listener),
    onGap: (listener: () => void) => (gap = listener),
  },
}))
const { keepFresh } = await import('./freshness')
const { keys } = await import('./keys')

const client = new QueryClient()
const stale = vi.spyOn(client, 'invalidateQueries').mockResolvedValue()
const marked = (): unknown[] => stale.mock.calls.map(([filter]) => (filter as { queryKey?: unknown } | undefined)?.queryKey)
const tell = (topic: string, event: string, data: unknown): void => listeners.get(topic)?.({ event, topic, at: '2026-11-21T10:00:00Z', data })

beforeEach(() => {
  vi.useFakeTimers()
  stale.mockClear()
  keepFresh(client)
})
afterEach(() => vi.useRealTimers())

it('many events of a moment cause one reading of each', () => {
  for (let at = 0; at < 50; at++) tell('runs', 'run.update', { id: 'r', appId: 'a' })
  expect(stale).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60)
  const names = marked().map((name) => JSON.stringify(name))
  expect(new Set(names).size).toBe(names.length)
  for (const name of [keys.run('r'), keys.app('a'), keys.releases('a')]) expect(names).toContain(JSON.stringify(name))
})

it('a node that has joined changes the list of those that wait', () => {
  tell('nodes', 'node.status.update', { id: 'n', change: 'online' })
  vi.advanceTimersByTime(60)
  expect(marked()).not.toContainEqual(keys.devices)
  tell('nodes', 'node.status.update', { id: 'n', change: 'joined' })
  vi.advanceTimersByTime(60)
  expect(marked()).toContainEqual(keys.devices)
  expect(marked()).toContainEqual(keys.node('n'))
})

it('an app of which something is told makes its domains stale: a certificate was had, an order was carried out', () => {
  tell('apps', 'app.status.update', { id: 'a' })
  vi.advanceTimersByTime(60)
  expect(marked()).toContainEqual(keys.domains)
})

it('after a gap nothing is believed', () => {
  gap()
  expect(stale).toHaveBeenCalledWith()
})

it('a server that has changed makes itself and the lists of servers stale', () => {
  tell('servers', 'server.status.update', { id: 's' })
  vi.advanceTimersByTime(60)
  for (const key of [keys.server('s'), [...keys.servers, 'list']]) expect(marked()).toContainEqual(key)
})

it('what is known of servers changes with their machine', () => {
  tell('nodes', 'node.status.update', { id: 'n', change: 'offline' })
  vi.advanceTimersByTime(60)
  expect(marked()).toContainEqual(keys.servers)
})
