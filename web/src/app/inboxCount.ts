import { useQuery } from '@tanstack/vue-query'
import { computed, ref, watchEffect } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { waiting } from '@/ui/pageTitle'

/** The control plane counts up to here; beyond, "many" is what it knows. */
const COUNTED_TO = 1_000

/** Cards somebody has just decided here, and that are counted there until it is told. */
export const leaving = ref(0)

/** How many cards wait, as it is written beside their place; empty where none does. */
export function useInboxCount() {
  const query = useQuery({
    queryKey: keys.inboxCount,
    queryFn: ({ signal }) => data<Schemas['InboxCounts']>(api.GET('/api/v1/inbox/count', { signal })),
  })
  const count = computed(() => Math.max(0, (query.data.value?.total ?? 0) - leaving.value))
  watchEffect(() => (waiting.value = count.value))
  return computed(() => (count.value >= COUNTED_TO ? '999+' : count.value > 0 ? String(count.value) : ''))
}
