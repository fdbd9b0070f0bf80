import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed, ref, watch } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { keys } from '@/api/keys'
import type { Line } from '@/api/lines'
import { useTopic } from '@/api/socket'
import { plainText } from '@/ui/log/ansi'

export const SPANS = { '': null, '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 } as const
/** Hits of one answer. */
const AT_A_TIME = 50
/** A request looks for a bounded while; so many follow each other before somebody is asked whether to go on. */
const UNASKED = 20

export interface Asked {
  q: string
  regex: boolean
  level: string
  stream: string
  span: keyof typeof SPANS
  context: string
}

export type Found = Schemas['LogsFound']
export type Hit = Schemas['LogHit']

/** What is asked of the API; empty fields ask nothing. */
export function queryOf(asked: Asked, now: number) {
  const span = SPANS[asked.span]
  return {
    ...(asked.q ? { q: asked.q, ...(asked.regex ? { regex: true } : {}) } : {}),
    ...(asked.level ? { level: asked.level } : {}),
    ...(asked.stream ? { stream: asked.stream } : {}),
    ...(span ? { from: String(now - span) } : {}),
    context: Number(asked.context) || 0,
    limit: AT_A_TIME,
  }
}

/** Whether a line that came since is one that is looked for; null where only the control plane can tell. */
export function isFound(line: Pick<Line, 'text' | 'stream'>, asked: Asked): boolean | null {
  if (asked.stream && line.stream !== asked.stream) return false
  if (asked.regex || asked.level) return null
  return plainText(line.text).toLowerCase().includes(asked.q.toLowerCase())
}

/** Lines of all logs of an app, page after page; and whether others came since. */
export function useSearchAll(id: () => string, asked: () => Asked) {
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.logsFound(id(), asked())),
    // Pages are of one question: where "the last hour" begins does not move between them.
    initialPageParam: { after: undefined as string | undefined, now: 0 },
    queryFn: async ({ pageParam, signal }) => {
      const now = pageParam.now || serverNow()
      const gathered: Found = { hits: [], next: pageParam.after ?? null, searchedUntil: null, linesLookedAt: 0 }
      for (let asks = 0; asks < UNASKED; asks++) {
        const part = { ...queryOf(asked(), now), ...(gathered.next ? { after: gathered.next } : {}) }
        const found = await data<Found>(api.GET('/api/v1/apps/{id}/logs/search', { params: { path: { id: id() }, query: part }, signal }))
        gathered.hits.push(...found.hits)
        gathered.linesLookedAt += found.linesLookedAt
        gathered.next = found.next
        gathered.searchedUntil = found.searchedUntil
        if (!found.next || gathered.hits.length >= AT_A_TIME) break
      }
      return { ...gathered, now }
    },
    getNextPageParam: (last) => (last.next ? { after: last.next, now: last.now } : undefined),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  })
  const pages = computed(() => query.data.value?.pages ?? [])
  const since = ref<{ lines: number; hits: number }>({ lines: 0, hits: 0 })
  const forget = (): void => {
    since.value = { lines: 0, hits: 0 }
  }
  watch(() => JSON.stringify([id(), asked()]), forget)
  useTopic<{ lines: Line[] }>(
    () => `logs:app:${id()}`,
    ({ data: told }) => {
      const judged = told.lines.map((line) => isFound(line, asked()))
      since.value = { lines: since.value.lines + judged.filter((found) => found === null).length, hits: since.value.hits + judged.filter(Boolean).length }
    },
  )
  return {
    query,
    hits: computed(() => pages.value.flatMap(({ hits }) => hits)),
    lookedAt: computed(() => pages.value.reduce((sum, { linesLookedAt }) => sum + linesLookedAt, 0)),
    until: computed(() => pages.value.at(-1)?.searchedUntil ?? null),
    since,
    again: () => {
      forget()
      return query.refetch()
    },
  }
}
