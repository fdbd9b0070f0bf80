import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useListing, useUrlValue } from '@/app/listing'

export type Node = Schemas['Node']
export type NodeFilter = '' | 'online' | 'offline' | 'locked'

const PAGE = 100
/** Meters in the list are read again so often while somebody looks. */
const METERS_MS = 20_000
/** Apps are counted up to here; beyond it the count is left out rather than wrong. */
const COUNTED_APPS = 200

/** The list of machines with the filters in the URL. */
export function useNodes() {
  const q = useUrlValue('q')
  const status = useUrlValue<NodeFilter>('status')
  const filter = computed(() => ({ q: q.value || undefined, status: status.value || undefined }))
  const listing = useListing<Node>(
    () => keys.nodeList(filter.value),
    (after, signal) => page(api.GET('/api/v1/nodes', { params: { query: { ...filter.value, limit: PAGE, after } }, signal })),
  )
  const client = useQueryClient()
  const visibility = useDocumentVisibility()
  useIntervalFn(() => {
    if (visibility.value === 'visible') void client.invalidateQueries({ queryKey: keys.nodeList(filter.value) })
  }, METERS_MS)
  return { q, status, ...listing }
}

/** How many apps each node has; null where there are too many to count cheaply. */
export function useAppCounts() {
  const query = useQuery({
    queryKey: keys.appList({ limit: COUNTED_APPS, for: 'counts' }),
    queryFn: ({ signal }) => page<Schemas['App']>(api.GET('/api/v1/apps', { params: { query: { limit: COUNTED_APPS } }, signal })),
  })
  return computed(() => {
    const seen = query.data.value
    if (!seen || seen.next) return null
    const counts = new Map<string, number>()
    for (const { nodeId } of seen.items) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1)
    return counts
  })
}
