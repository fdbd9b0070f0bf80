import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, watch } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { isOpen as mayChange } from '@/app/states/run'
import { useTick } from '@/ui/write/moment'
import { firstFailing, story } from './story'

/** A run with its timeline, kept true by events while it is open. */
export function useRun(id: () => string | null) {
  const client = useQueryClient()
  const key = computed(() => id() ?? '')
  const enabled = computed(() => id() !== null)
  const query = useQuery({
    queryKey: computed(() => keys.run(key.value)),
    queryFn: ({ signal }) => data<Schemas['Run']>(api.GET('/api/v1/runs/{id}', { params: { path: { id: key.value } }, signal })),
    enabled,
  })
  const moments = useQuery({
    queryKey: computed(() => keys.timeline(key.value)),
    queryFn: ({ signal }) => data<Schemas['Moment'][]>(api.GET('/api/v1/runs/{id}/timeline', { params: { path: { id: key.value } }, signal })),
    enabled,
  })
  const run = computed(() => query.data.value ?? null)
  const isOpen = computed(() => run.value !== null && mayChange(run.value))

  // Followed so that nothing is missed between two lists; what is read again is said in one place, freshness.
  useTopic(computed(() => (id() && isOpen.value ? `run:${id()}` : null)), () => {
    void client.invalidateQueries({ queryKey: keys.run(key.value) })
  })

  const tick = useTick()
  const phases = computed(() => (run.value && moments.data.value ? story(run.value, moments.data.value) : []))
  const failing = computed(() => (run.value?.done ? firstFailing(phases.value) : null))
  /** The control plane's clock, once a second while the run is open. */
  const now = computed(() => (isOpen.value ? (void tick.value, serverNow()) : Date.parse(run.value?.closedAt ?? run.value?.updatedAt ?? '')))

  // The card a decision is bound to.
  const isAsked = computed(() => run.value?.state === 'waiting')
  const card = useQuery({
    queryKey: keys.approvals({ state: 'open' }),
    queryFn: ({ signal }) => page<Schemas['Approval']>(api.GET('/api/v1/approvals', { params: { query: { state: 'open', limit: 200 } }, signal })),
    enabled: isAsked,
  })
  const approval = computed(() => (isAsked.value ? (card.data.value?.items.find((one) => one.runId === key.value) ?? null) : null))
  watch(isAsked, (asked) => asked && void card.refetch())

  const failed = computed(() => (run.value ? null : query.error.value))
  return { run, phases, failing, isOpen, now, approval, failed, again: () => query.refetch() }
}
