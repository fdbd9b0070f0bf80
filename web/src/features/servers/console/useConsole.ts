import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type { Line } from '@/api/lines'
import { socket, useTopic } from '@/api/socket'
import { caughtUp, gapOf, NOTHING, readBack, took, type Chunk, type Stream } from './stream'
import { ticked, type Sample } from './stats'

/** Lines read back at once, as many as the API gives. */
const PAGE_LINES = 1_000
/** Many lines in a moment are drawn once. */
const DRAW_MS = 50
/** A console that has run on for longer than this many pages is shown from its end. */
const MAX_PAGES = 10
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000

interface Told {
  lines: Line[]
  skipped: number
  sample: Omit<Sample, 'at'> | null
}

/** A server's console as it speaks: history by number, then live; nothing twice, and what is missing is read back. */
export function useConsole(id: () => string | null) {
  const stream = shallowRef<Stream>(NOTHING)
  const samples = shallowRef<readonly Sample[]>([])
  const failed = shallowRef<Problem | null>(null)
  const ready = ref(false)
  const filling = ref(0)
  const oldest = ref(1)
  let work = new AbortController()
  let pending: Line[] = []
  let drawing: ReturnType<typeof setTimeout> | null = null
  let isFilling = false
  let olderBusy = false

  const read = (after: number | null, signal: AbortSignal): Promise<Chunk> =>
    data<Chunk & Schemas['ConsoleLines']>(
      api.GET('/api/v1/servers/{id}/console', { params: { path: { id: id()! }, query: { ...(after === null ? {} : { after }), lines: PAGE_LINES } }, signal }),
    )
  const keep = (chunk: Chunk): void => void (oldest.value = Math.max(1, chunk.oldest))

  /** Reads back what was left out, gap after gap. */
  async function fill(): Promise<void> {
    if (isFilling) return
    isFilling = true
    const { signal } = work
    try {
      for (let gap = gapOf(stream.value); gap && !signal.aborted; gap = gapOf(stream.value)) {
        filling.value = gap.before - gap.after - 1
        const chunk = await read(gap.after, signal)
        if (signal.aborted) return
        keep(chunk)
        stream.value = readBack(stream.value, gap, chunk)
      }
    } catch {
      // What comes next, or coming back, tries again.
    } finally {
      filling.value = 0
      isFilling = false
    }
  }
  function draw(): void {
    drawing = null
    stream.value = took(stream.value, pending)
    pending = []
    if (gapOf(stream.value)) void fill()
  }

  /** What was said since the last known line, the newest at first. An answer holds what fits a frame, so there may be more. */
  async function catchUp(signal: AbortSignal): Promise<void> {
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const last = stream.value.lines.at(-1)?.sequence ?? null
      const chunk = await read(last, signal)
      if (signal.aborted) return
      keep(chunk)
      stream.value = caughtUp(stream.value, chunk)
      const now = stream.value.lines.at(-1)?.sequence ?? null
      if (now === last || now === null || now >= chunk.newest) return
    }
  }
  async function begin(): Promise<void> {
    if (!id()) return
    const { signal } = work
    for (let wait = FIRST_WAIT_MS; !signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        await catchUp(signal)
        if (signal.aborted) return
        failed.value = null
        ready.value = true
        return
      } catch (error) {
        if (signal.aborted) return
        failed.value = asProblem(error)
        // A machine that is away may come; a missing right does not.
        if (failed.value.status === 403 || failed.value.status === 404) return
        await new Promise((resolve) => setTimeout(resolve, failed.value?.retryAfterMs ?? wait))
      }
    }
  }
  function restart(): void {
    work.abort()
    work = new AbortController()
    if (drawing) clearTimeout(drawing)
    drawing = null
    pending = []
    stream.value = NOTHING
    samples.value = []
    failed.value = null
    ready.value = false
    void begin()
  }
  watch(id, restart, { immediate: true })

  // Heard from the first moment on: what comes while history is read fits behind it by its number.
  useTopic<Told>(
    () => (id() ? `console:${id()}` : null),
    ({ at, data: told }) => {
      if (told.sample) samples.value = ticked(samples.value, { ...told.sample, at: Date.parse(at) })
      if (told.lines.length === 0) return
      pending.push(...told.lines)
      drawing ??= setTimeout(draw, DRAW_MS)
    },
  )
  watch(socket.connection, (now, before) => {
    if (now === 'live' && before !== 'live' && ready.value) void begin()
  })

  /** Puts older lines before, down to a wanted one. */
  async function older(upTo: number | null): Promise<void> {
    const first = stream.value.lines[0]?.sequence
    if (first === undefined || first <= oldest.value || olderBusy) return
    olderBusy = true
    const { signal } = work
    try {
      const from = Math.max(oldest.value, Math.min(upTo ?? Infinity, first - PAGE_LINES)) - 1
      for (let after = from, pages = 0; after < first - 1 && pages < MAX_PAGES; pages++) {
        const chunk = await read(after, signal)
        if (signal.aborted) return
        keep(chunk)
        const lines = chunk.lines.filter(({ sequence }) => sequence < first)
        if (lines.length === 0) return
        stream.value = took(stream.value, lines)
        after = lines.at(-1)!.sequence
      }
    } catch {
      // Scrolling there once more asks again.
    } finally {
      olderBusy = false
    }
  }

  onScopeDispose(() => {
    work.abort()
    if (drawing) clearTimeout(drawing)
  })
  return {
    lines: computed(() => stream.value.lines),
    lost: computed(() => stream.value.lost),
    filling,
    samples,
    failed,
    ready,
    more: computed(() => (stream.value.lines[0]?.sequence ?? 0) > oldest.value),
    state: computed<'live' | 'catching'>(() => (ready.value && socket.connection.value === 'live' ? 'live' : 'catching')),
    older,
    again: restart,
  }
}
