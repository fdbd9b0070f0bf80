import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Cards looked through for the one that decided a run: it is among the newest while it is held. */
const LATELY = 50

/** The decision on a run while it is held, and its taking back. */
export function useDecided(run: () => Schemas['Run'] | null) {
  const client = useQueryClient()
  const isHeld = computed(() => !!run()?.heldUntil && !run()?.done)
  const query = useQuery({
    queryKey: computed(() => keys.approvals({ state: 'decided', run: run()?.id })),
    queryFn: ({ signal }) => page<Schemas['Approval']>(api.GET('/api/v1/approvals', { params: { query: { state: 'decided', limit: LATELY } }, signal })),
    enabled: isHeld,
  })
  const decided = computed(() => (isHeld.value ? (query.data.value?.items.find(({ runId }) => runId === run()?.id) ?? null) : null))
  const takingBack = useMutation({
    mutationFn: (approval: Schemas['Approval']) => data<Schemas['Run']>(api.POST('/api/v1/runs/{id}/reopen', { params: { path: { id: approval.runId } }, body: { hash: approval.hash } })),
    onSuccess: (again) => client.setQueryData(keys.run(again.id), again),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ['approvals'] })
      void client.invalidateQueries({ queryKey: keys.inbox })
    },
  })
  return { decided, takingBack }
}

/** The card of a run that waits: voices, and whether one's own counts. */
export function useWaiting(approval: () => Schemas['Approval'] | null) {
  const id = computed(() => approval()?.id ?? null)
  const query = useQuery({
    queryKey: computed(() => keys.inboxCard(id.value ?? '')),
    queryFn: ({ signal }) => data<Schemas['InboxDetails']>(api.GET('/api/v1/inbox/{id}', { params: { path: { id: id.value! } }, signal })),
    enabled: computed(() => id.value !== null),
    retry: false,
  })
  return computed(() => (id.value ? (query.data.value ?? null) : null))
}
