import { useQuery } from '@tanstack/vue-query'
import { computed, ref, watch } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { keys } from '@/api/keys'
import { newcomerOf } from './installLine'

/** Events tell of newcomers at once; this is for one that was missed. */
const AGAIN_MS = 8_000
const NEWEST = 5

/** The machine that joins while the page waits, followed until it is online. */
export function useNewcomer() {
  const opened = serverNow()
  const query = useQuery({
    queryKey: keys.nodeList({ newest: NEWEST, opened }),
    queryFn: ({ signal }) => page<Schemas['Node']>(api.GET('/api/v1/nodes', { params: { query: { limit: NEWEST } }, signal })),
    refetchInterval: AGAIN_MS,
    gcTime: 0,
  })
  const before = ref<Schemas['Node'][] | null>(null)
  // The first reading is what was there; from then on everything is new.
  watch(
    () => query.data.value,
    (seen) => (before.value ??= seen?.items ?? null),
    { immediate: true },
  )
  const newcomer = computed(() => newcomerOf(before.value, query.data.value?.items ?? []))
  return { newcomer, known: computed(() => before.value?.length ?? null) }
}
