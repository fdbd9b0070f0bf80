// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'

/** The other end of a socket, as the control plane would be. */
class Line extends EventTarget {
  static readonly OPEN = 1
  static all: Line[] = []
  readyState = 0
  readonly sent: Record<string, never>[] = []
  constructor(readonly url: URL, readonly protocols: string[]) {
    super()
    Line.all.push(this)
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }
  close(code = 1000): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code }))
  }
  opens(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }
  says(message: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(message) }))
  }
  get asked() {
    return this.sent.flatMap((message) => ('subscribe' in message ? [message.subscribe as { topics: string[]; after?: string }] : []))
  }
}
const latest = (): Line => Line.all.at(-1)!
const at = '2026-11-21T10:00:00Z'

async function page() {
  vi.resetModules()
  const [{ socket }, { access }] = [await import('./socket'), await import('./session')]
  vi.spyOn(access, 'token').mockResolvedValue('token')
  access.state.value = 'in'
  return { socket, access }
}
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0)
  await nextTick()
}
beforeEach(() => {
  Line.all = []
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Line)
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

it('says what it wants to hear, and passes on what it hears', async () => {
  const { socket } = await page()
  const heard: unknown[] = []
  socket.listen('apps', ({ data }) => heard.push(data))
  socket.start()
  await settle()
  expect(latest().protocols).toEqual(['serverflow.v1', 'serverflow.bearer.token'])
  latest().opens()
  expect(socket.connection.value).toBe('resuming')
  expect(latest().asked).toEqual([{ topics: ['apps'] }])
  latest().says({ subscribed: { topics: ['apps'], seq: '5' } })
  expect(socket.connection.value).toBe('live')
  latest().says({ event: 'app.status.update', seq: '6', topic: 'apps', at, data: { id: 'a' } })
  latest().says({ event: 'app.status.update', seq: '7', topic: 'nodes', at, data: { id: 'not for us' } })
  expect(heard).toContainEqual({ id: 'a' })
})

it('goes on after the last event it had, when the line was cut', async () => {
  const { socket } = await page()
  socket.listen('apps', () => {})
  socket.start()
  await settle()
  latest().opens()
  latest().says({ subscribed: { topics: ['apps'], seq: '5' } })
  latest().says({ event: 'app.status.update', seq: '41', topic: 'apps', at, data: { id: 'a' } })
  latest().close(1006)
  expect(socket.connection.value).toBe('away')
  expect(socket.awaySince.value).not.toBeNull()
  await vi.advanceTimersByTimeAsync(400)
  expect(Line.all).toHaveLength(2)
  latest().opens()
  expect(latest().asked).toEqual([{ topics: ['apps'], after: '41' }])
  latest().says({ subscribed: { topics: ['apps'], seq: '50' } })
  expect(socket.awaySince.value).toBeNull()
})

it('waits longer and longer, up to fifteen seconds', async () => {
  const { socket } = await page()
  socket.start()
  await settle()
  const waits: number[] = []
  for (let tries = 0; tries < 8; tries++) {
    latest().close(1006)
    const before = Date.now()
    const many = Line.all.length
    while (Line.all.length === many) await vi.advanceTimersByTimeAsync(100)
    waits.push(Date.now() - before)
  }
  expect(waits).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000])
})

it('a gap is said to whoever shows something', async () => {
  const { socket } = await page()
  const gap = vi.fn()
  socket.onGap(gap)
  socket.start()
  await settle()
  latest().opens()
  latest().says({ subscribed: { topics: ['system'], seq: '5' } })
  latest().says({ event: 'lagged', from: '5', to: '900' })
  expect(gap).toHaveBeenCalledOnce()
  latest().close(1006)
  await vi.advanceTimersByTimeAsync(400)
  latest().opens()
  expect(latest().asked[0]).toMatchObject({ after: '900' })
})

it('one topic that is gone does not silence the others', async () => {
  const { socket } = await page()
  socket.listen('app:gone', () => {})
  socket.listen('nodes', () => {})
  socket.start()
  await settle()
  latest().opens()
  latest().says({ error: { code: 'topic.unknown', message: 'No such app.' } })
  expect(latest().asked.slice(1).map(({ topics }) => topics)).toEqual([['system'], ['app:gone'], ['nodes']])
})

it('a line that says nothing for twenty seconds is dead', async () => {
  const { socket } = await page()
  socket.start()
  await settle()
  latest().opens()
  latest().says({ subscribed: { topics: ['system'], seq: '5' } })
  await vi.advanceTimersByTimeAsync(16_000)
  expect(latest().sent.filter((message) => 'ping' in message)).toHaveLength(2)
  expect(socket.connection.value).toBe('live')
  await vi.advanceTimersByTimeAsync(8_000)
  expect(socket.connection.value).toBe('away')
})

it('a token that ran out is renewed at once', async () => {
  const { socket, access } = await page()
  const renew = vi.spyOn(access, 'renew').mockResolvedValue('fresh')
  socket.start()
  await settle()
  latest().opens()
  latest().close(4401)
  await settle()
  expect(renew).toHaveBeenCalledWith('token')
  expect(Line.all).toHaveLength(2)
})

it('signed out, it hears nothing and tries nothing', async () => {
  const { socket, access } = await page()
  socket.start()
  await settle()
  latest().opens()
  access.state.value = 'out'
  await settle()
  expect(socket.connection.value).toBe('out')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(Line.all).toHaveLength(1)
})

it('a topic nobody follows any more is kept for a moment, then given back', async () => {
  const { socket } = await page()
  socket.start()
  await settle()
  latest().opens()
  const stop = socket.listen('app:a', () => {})
  stop()
  const again = socket.listen('app:a', () => {})
  await vi.advanceTimersByTimeAsync(6_000)
  expect(latest().sent.some((message) => 'unsubscribe' in message)).toBe(false)
  again()
  await vi.advanceTimersByTimeAsync(6_000)
  expect(latest().sent).toContainEqual({ unsubscribe: { topics: ['app:a'] } })
})
