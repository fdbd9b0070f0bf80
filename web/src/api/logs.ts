import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api, data } from './client'
import { merge, type Line } from './lines'
import { asProblem, type Problem } from './problem'
import { socket, useTopic } from './socket'

/** A log: where its lines are read and heard. */
export interface LogSource {
  /** Another key is another log: what was shown is forgotten. */
  key: string
  /** Where new lines are told; null for a log that nobody writes to any more. */
  topic: string | null
  /** Lines of this release alone; null takes all. */
  releaseId: string | null
  /** Those after a number; null: the newest ones. */
  read: (after: number | null, signal: AbortSignal) => Promise<{ lines: Line[]; dropped: number }>
}

/** A log that begins further back is not read whole. */
const MAX_PAGES = 25
/** Older lines asked for at once. */
const OLDER_LINES = 1_000
/** Lines before one that was linked to, so that it does not stand alone. */
const CONTEXT_LINES = 50

/** What fetching and building said in a run, from its first line. */
export const runLog = (id: string, isOpen: boolean): LogSource => ({
  key: `run:${id}`,
  topic: isOpen ? `logs:run:${id}` : null,
  releaseId: null,
  read: (after, signal) => data(api.GET('/api/v1/runs/{id}/log', { params: { path: { id }, query: { after: after ?? 0 } }, signal })),
})

/** What one release of an app says; `isLive`: it may still speak. */
export const appLog = (id: string, releaseId: string, isLive: boolean): LogSource => ({
  key: `app:${id}:${releaseId}`,
  topic: isLive ? `logs:app:${id}` : null,
  releaseId,
  read: (after, signal) => {
    const part = after === null ? { tail: OLDER_LINES } : { after }
    return data(api.GET('/api/v1/apps/{id}/logs', { params: { path: { id }, query: { release: releaseId, ...part } }, signal }))
  },
})

/** The lines of a log, as they come, each once; resumed by number when the connection was away. Null follows none. */
export function useLines(source: () => LogSource | null) {
  const lines = shallowRef<readonly Line[]>([])
  const dropped = ref(0)
  const more = ref(false)
  const failed = shallowRef<Problem | null>(null)
  /** The newest lines are there; what comes later is heard. */
  const ready = ref(false)
  let work = new AbortController()
  let pending: Line[] = []
  let flushing: ReturnType<typeof setTimeout> | null = null
  let olderBusy = false

  const flush = (): void => {
    flushing = null
    lines.value = merge(lines.value, pending)
    pending = []
  }
  /** Many lines in a moment are drawn once. */
  const take = (fresh: Line[]): void => {
    pending.push(...fresh)
    flushing ??= setTimeout(flush, 40)
  }

  /** Everything after the last known line; page after page. */
  async function catchUp(log: LogSource, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < MAX_PAGES; at++) {
      const last = pending.at(-1)?.sequence ?? lines.value.at(-1)?.sequence ?? null
      const page = await log.read(last, signal)
      if (signal.aborted) return
      dropped.value = page.dropped
      if (page.lines.length === 0) return
      lines.value = merge(lines.value, page.lines)
      if (lines.value.at(-1)?.sequence === last) return
    }
  }

  async function begin(): Promise<void> {
    const log = source()
    if (!log) return
    const { signal } = work
    for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 10_000)) {
      try {
        await catchUp(log, signal)
        if (signal.aborted) return
        failed.value = null
        ready.value = true
        more.value = (lines.value[0]?.sequence ?? 1) > 1
        return
      } catch (error) {
        if (signal.aborted) return
        failed.value = asProblem(error)
        if (!failed.value.isPassing) return
        await new Promise((resolve) => setTimeout(resolve, failed.value?.retryAfterMs ?? wait))
      }
    }
  }

  function restart(): void {
    work.abort()
    work = new AbortController()
    if (flushing) clearTimeout(flushing)
    flushing = null
    pending = []
    lines.value = []
    dropped.value = 0
    more.value = ready.value = olderBusy = false
    failed.value = null
    void begin()
  }
  watch(() => source()?.key ?? null, restart, { immediate: true })
  // A log that has just ended may have lines nobody told.
  watch(
    () => source()?.topic ?? null,
    (topic) => topic === null && ready.value && void begin(),
  )

  useTopic<{ releaseId: string | null; lines: Line[]; dropped: number }>(
    computed(() => (ready.value ? (source()?.topic ?? null) : null)),
    ({ data: told }) => {
      const release = source()?.releaseId ?? null
      if (release !== null && told.releaseId !== release) return
      dropped.value += told.dropped
      take(told.lines)
    },
    () => String(lines.value.at(-1)?.sequence ?? 0),
  )
  watch(socket.connection, (now, before) => {
    if (now === 'live' && before !== 'live' && ready.value) void begin()
  })

  /** Puts older lines before, down to a wanted one. */
  async function older(upTo: number | null): Promise<void> {
    const log = source()
    const first = lines.value[0]?.sequence
    if (!log || first === undefined || first <= 1 || olderBusy || !more.value) return
    const { signal } = work
    olderBusy = true
    try {
      let from = Math.max(0, (upTo === null ? first - OLDER_LINES : Math.min(upTo - CONTEXT_LINES, first - OLDER_LINES)) - 1)
      let gathered: readonly Line[] = []
      for (let at = 0; at < MAX_PAGES; at++) {
        const page = await log.read(from, signal)
        gathered = merge(gathered, page.lines.filter((line) => line.sequence < first))
        const last = page.lines.at(-1)?.sequence
        if (last === undefined || last >= first - 1) break
        from = last
      }
      if (signal.aborted) return
      lines.value = merge(lines.value, gathered)
      more.value = gathered.length > 0 && gathered[0]!.sequence > 1
    } catch (error) {
      if (!signal.aborted) failed.value = asProblem(error)
    } finally {
      olderBusy = false
    }
  }

  const state = computed<'live' | 'catching' | 'ended'>(() => {
    if (ready.value && !source()?.topic) return 'ended'
    return ready.value && socket.connection.value === 'live' ? 'live' : 'catching'
  })
  onScopeDispose(() => {
    work.abort()
    if (flushing) clearTimeout(flushing)
  })
  return { lines, dropped, more, failed, state, older, again: restart }
}
