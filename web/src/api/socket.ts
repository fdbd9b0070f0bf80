import { getCurrentScope, onScopeDispose, ref, watch, type WatchSource } from 'vue'
import { access } from './session'

/** An event as the control plane tells it. */
export interface PlaneEvent<T = unknown> {
  event: string
  /** Its number; absent for what is not stored (lines, samples, health). */
  seq?: string
  topic: string
  at: string
  data: T
}

/** How the page hears of changes. `resuming`: connected again, what was missed is being told. */
export type Connection = 'connecting' | 'resuming' | 'live' | 'away' | 'out'

type Listener = (event: PlaneEvent) => void

const FIRST_DELAY_MS = 400
const MAX_DELAY_MS = 15_000
/** Something is heard at least every few seconds; after so long the line is dead, whatever the browser says. */
const SILENCE_MS = 20_000
const PING_MS = 8_000
/** A topic nobody listens to is kept for a moment, since the next page often wants it again. */
const LINGER_MS = 5_000

const LISTS: Record<string, string> = {
  'run.update': 'runs',
  'app.status.update': 'apps',
  'node.status.update': 'nodes',
  'server.status.update': 'servers',
  'approval.update': 'approvals',
  'user.update': 'users',
  'invitation.update': 'users',
  'role.update': 'users',
  'project.update': 'projects',
  'workflow.update': 'workflows',
  'workflow.progress.update': 'workflows',
}

/** An event is told once, by the closest topic followed; whoever follows another one it belongs to hears it as well. */
export function topicsOf({ event, topic, data }: PlaneEvent): Set<string> {
  const topics = new Set([topic])
  if (LISTS[event]) topics.add(LISTS[event])
  if (event === 'workflow.progress.update') topics.add(`run:${(data as { runId: string }).runId}`)
  if (event === 'run.update') {
    const { id, appId, nodeId } = data as { id: string; appId?: string | null; nodeId?: string | null }
    topics.add(`run:${id}`)
    if (appId) topics.add(`app:${appId}`)
    if (nodeId) topics.add(`node:${nodeId}`)
  }
  return topics
}

/** The one event socket of this page: topics are counted, events resumed by number, gaps said aloud. */
class EventSocket {
  readonly connection = ref<Connection>('connecting')
  /** When the page began to be deaf, milliseconds; null while it hears. */
  readonly awaySince = ref<number | null>(null)
  private socket: WebSocket | null = null
  private readonly topics = new Map<string, Set<Listener>>()
  private readonly lines = new Map<string, () => string | null>()
  private readonly gapListeners = new Set<() => void>()
  private lastSeq: string | null = null
  private delay = FIRST_DELAY_MS
  private retry: ReturnType<typeof setTimeout> | null = null
  private pulse: ReturnType<typeof setInterval> | null = null
  private heardAt = 0
  private pings = 0
  private started = false
  private oneByOne = false

  start(): void {
    if (this.started) return
    this.started = true
    watch(access.state, (state) => (state === 'in' ? this.reconnect() : this.stop()), { immediate: true })
    addEventListener('online', () => this.reconnect())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.connection.value === 'away') this.reconnect()
    })
  }

  /** Hears a topic until the returned function is called. `after` names the last line of a log that is there already. */
  listen(topic: string, listener: Listener, after?: () => string | null): () => void {
    let listeners = this.topics.get(topic)
    const isNew = !listeners
    if (!listeners) this.topics.set(topic, (listeners = new Set()))
    listeners.add(listener)
    if (after) this.lines.set(topic, after)
    if (isNew || after) this.subscribe([topic], null)
    return () => {
      listeners.delete(listener)
      setTimeout(() => {
        if (listeners.size > 0 || this.topics.get(topic) !== listeners) return
        this.topics.delete(topic)
        this.lines.delete(topic)
        this.send({ unsubscribe: { topics: [topic] } })
      }, LINGER_MS)
    }
  }

  /** Calls when events were missed for good: what is shown has to be read again. */
  onGap(listener: () => void): () => void {
    this.gapListeners.add(listener)
    return () => this.gapListeners.delete(listener)
  }

  /** Tries at once instead of waiting. */
  reconnect(): void {
    this.delay = FIRST_DELAY_MS
    if (!this.socket || this.socket.readyState > WebSocket.OPEN) void this.connect()
  }

  private async connect(): Promise<void> {
    if (this.retry) clearTimeout(this.retry)
    this.retry = null
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return
    let token: string | null
    try {
      token = await access.token()
    } catch {
      return this.later()
    }
    if (!token) return this.stop()
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return
    const url = new URL('/api/v1/ws', location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url, ['serverflow.v1', `serverflow.bearer.${token}`])
    this.socket = socket
    socket.addEventListener('open', () => this.opened(socket))
    socket.addEventListener('message', ({ data }) => socket === this.socket && this.heard(String(data)))
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.socket) return
      this.socket = null
      if (code === 4401) void access.renew(token).then(() => this.connect(), () => this.later())
      else this.later()
    })
  }

  private opened(socket: WebSocket): void {
    this.heardAt = Date.now()
    this.oneByOne = false
    this.connection.value = 'resuming'
    const plain = [...this.topics.keys()].filter((topic) => !this.lines.has(topic))
    this.subscribe(plain.length > 0 ? plain : ['system'], this.lastSeq)
    for (const topic of this.lines.keys()) this.subscribe([topic], null)
    if (this.pulse) clearInterval(this.pulse)
    this.pulse = setInterval(() => {
      if (Date.now() - this.heardAt > SILENCE_MS) return socket.close()
      this.send({ ping: ++this.pings })
    }, PING_MS)
  }

  private heard(text: string): void {
    this.heardAt = Date.now()
    const message = JSON.parse(text) as Record<string, unknown>
    if (message.subscribed) {
      // Later subscriptions begin at the newest event, which other topics may not have been told of yet.
      if (this.connection.value !== 'live') this.remember((message.subscribed as { seq: string }).seq)
      this.connection.value = 'live'
      this.awaySince.value = null
      this.delay = FIRST_DELAY_MS
    } else if (message.error && this.connection.value === 'resuming' && !this.oneByOne) {
      // One topic that is gone refuses all of a message; the others are still there.
      this.oneByOne = true
      const plain = [...this.topics.keys()].filter((topic) => !this.lines.has(topic))
      for (const topic of ['system', ...plain]) this.subscribe([topic], this.lastSeq)
    } else if (message.event === 'lagged') {
      this.remember(String(message.to))
      this.gapListeners.forEach((listener) => listener())
    } else if (typeof message.event === 'string') {
      const event = message as unknown as PlaneEvent
      if (event.seq) this.remember(event.seq)
      for (const topic of topicsOf(event)) for (const listener of [...(this.topics.get(topic) ?? [])]) listener(event)
    }
  }

  private remember(seq: string): void {
    if (this.lastSeq === null || BigInt(seq) > BigInt(this.lastSeq)) this.lastSeq = seq
  }

  private subscribe(topics: string[], after: string | null): void {
    const line = topics.length === 1 ? this.lines.get(topics[0]!)?.() : null
    this.send({ subscribe: { topics, ...(after ? { after } : {}), ...(line ? { afterLine: line } : {}) } })
  }

  private send(message: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  private later(): void {
    this.connection.value = 'away'
    this.awaySince.value ??= Date.now()
    if (this.pulse) clearInterval(this.pulse)
    if (this.retry) return
    this.retry = setTimeout(() => void this.connect(), this.delay * (0.5 + Math.random() / 2))
    this.delay = Math.min(this.delay * 2, MAX_DELAY_MS)
  }

  private stop(): void {
    if (this.retry) clearTimeout(this.retry)
    if (this.pulse) clearInterval(this.pulse)
    this.retry = this.pulse = null
    const socket = this.socket
    this.socket = null
    socket?.close()
    this.lastSeq = null
    this.awaySince.value = null
    this.connection.value = access.state.value === 'unknown' ? 'connecting' : 'out'
  }
}

export const socket = new EventSocket()

/** Hears a topic while the component lives. A source follows a topic that changes; null hears nothing. */
export function useTopic<T = unknown>(
  topic: WatchSource<string | null>,
  listener: (event: PlaneEvent<T>) => void,
  after?: () => string | null,
): void {
  let stop: (() => void) | null = null
  watch(
    topic,
    (name) => {
      stop?.()
      stop = name ? socket.listen(name, listener as Listener, after) : null
    },
    { immediate: true },
  )
  if (getCurrentScope()) onScopeDispose(() => stop?.())
}
