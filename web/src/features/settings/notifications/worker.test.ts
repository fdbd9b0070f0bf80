import { readFileSync } from 'node:fs'
import { beforeEach, expect, it, vi } from 'vitest'

type Listener = (event: Record<string, unknown>) => void
const source = readFileSync(new URL('../../../../public/push-worker.js', import.meta.url), 'utf8')
const listeners = new Map<string, Listener>()
const shown = vi.fn(async () => undefined)
const opened = vi.fn(async () => null)
const windows = vi.fn(async () => [] as object[])

beforeEach(() => {
  listeners.clear()
  for (const spy of [shown, opened, windows]) spy.mockClear()
  const self = {
    location: { origin: 'https://sf.example.org' },
    addEventListener: (name: string, listener: Listener) => listeners.set(name, listener),
    registration: { showNotification: shown },
    clients: { matchAll: windows, openWindow: opened },
  }
  new Function('self', source)(self)
})

async function happens(name: string, event: Record<string, unknown>): Promise<void> {
  let work: Promise<unknown> = Promise.resolve()
  listeners.get(name)!({ ...event, waitUntil: (promise: Promise<unknown>) => (work = promise) })
  await work
}
const pushed = (value: unknown): Promise<void> => happens('push', { data: { json: () => value } })

it('shows what was pushed and leads to its page', async () => {
  await pushed({ title: 'To decide: Deploy', body: 'because', url: 'https://sf.example.org/inbox/1', tag: 'a', pressing: true })
  expect(shown).toHaveBeenCalledWith('To decide: Deploy', { body: 'because', tag: 'a', requireInteraction: true, icon: '/icon.svg', data: { path: '/inbox/1' } })
  await happens('notificationclick', { notification: { close: () => undefined, data: { path: '/inbox/1' } } })
  expect(opened).toHaveBeenCalledWith('https://sf.example.org/inbox/1')
})

it('leads a page that is open there', async () => {
  const client = { url: 'https://sf.example.org/apps', focus: vi.fn(async () => undefined), navigate: vi.fn(async () => undefined) }
  windows.mockResolvedValueOnce([{ url: 'https://other.example.org/' }, client])
  await happens('notificationclick', { notification: { close: () => undefined, data: { path: '/inbox/1' } } })
  expect(client.navigate).toHaveBeenCalledWith('https://sf.example.org/inbox/1')
  expect(opened).not.toHaveBeenCalled()
})

it.each([
  [{ title: 'x', url: 'https://evil.example.org/login' }, '/login'],
  [{ title: 'x', url: 'javascript:alert(1)' }, 'alert(1)'],
])('%o leads nowhere else', async (value, path) => {
  await pushed(value)
  expect(shown).toHaveBeenCalledWith('x', expect.objectContaining({ data: { path } }))
  await happens('notificationclick', { notification: { close: () => undefined, data: { path } } })
  expect(String((opened.mock.calls as unknown[][])[0]?.[0])).toMatch(/^https:\/\/sf\.example\.org\//)
})

it('shows something whatever arrives', async () => {
  await happens('push', { data: null })
  expect(shown).toHaveBeenCalledWith('ServerFlow', expect.objectContaining({ data: { path: '/inbox' } }))
})

it('answers no request and keeps nothing', () => {
  expect([...listeners.keys()].sort()).toEqual(['activate', 'install', 'notificationclick', 'push'])
  expect(source).not.toMatch(/\bcaches\b|indexedDB|\bfetch\b/)
})
