import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { clockAhead } from '@/api/clock'
import { keys } from '@/api/keys'
import { useFleet } from '@/app/fleet'
import { asWords, useKept } from '@/ui/write/kept'
import { useTick } from '@/ui/write/moment'
import { needs } from './needs'

/** Runs looked through for failures and for what finished last. */
const LATELY = 60
/** Open runs shown; the rest is on their page. */
const OPEN = 50
/** Cards to decide that are shown; the inbox has them all. */
const WAITING = 5
/** What was marked as seen is remembered up to here. */
const MAX_SEEN = 200

/** Everything Home shows; events keep it fresh. */
export function useHome() {
  const fleet = useFleet()
  const tick = useTick()
  const now = computed(() => tick.value.getTime() + clockAhead.value)
  const waitingQuery = useQuery({
    queryKey: keys.inboxTop,
    queryFn: ({ signal }) => page<Schemas['InboxCard']>(api.GET('/api/v1/inbox', { params: { query: { kind: 'approval', limit: WAITING } }, signal })),
  })
  const runs = (query: { state?: string; limit: number }) => ({
    queryKey: keys.runList(query),
    queryFn: ({ signal }: { signal: AbortSignal }) => page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query }, signal })),
    placeholderData: keepPreviousData,
  })
  const lateQuery = useQuery(runs({ limit: LATELY }))
  const openQuery = useQuery(runs({ state: 'open', limit: OPEN }))

  const seenIds = useKept<string[]>('seen', [], asWords)
  const see = (id: string): void => {
    seenIds.value = [id, ...seenIds.value].slice(0, MAX_SEEN)
  }
  const queries = [fleet.appQuery, fleet.nodeQuery, waitingQuery, lateQuery, openQuery]
  const late = computed(() => lateQuery.data.value?.items ?? [])
  return {
    ...fleet,
    now,
    waiting: computed(() => waitingQuery.data.value?.items ?? []),
    more: computed(() => !!waitingQuery.data.value?.next),
    open: computed(() => openQuery.data.value?.items ?? []),
    finished: computed(() => late.value.filter((run) => run.done)),
    needs: computed(() => needs({ apps: fleet.apps.value, nodes: fleet.nodes.value, runs: late.value }, new Set(seenIds.value), now.value)),
    see,
    ready: computed(() => queries.every((query) => query.data.value !== undefined)),
    /** Something could not be read and nothing of it is there. */
    failed: computed(() => queries.find((query) => query.isError.value && query.data.value === undefined)?.error.value ?? null),
    again: () => queries.forEach((query) => void query.refetch()),
  }
}
