import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useFleet } from '@/app/fleet'
import { useListing, useUrlValue } from '@/app/listing'

export type Node = Schemas['Node']
const FILTERS = ['', 'online', 'offline', 'locked'] as const
export type NodeFilter = (typeof FILTERS)[number]

const PAGE = 100
/** Meters in the list are read again so often while somebody looks. */
const METERS_MS = 20_000

/** The list of machines with the filters in the URL. */
export function useNodes() {
  const q = useUrlValue('q')
  const asked = useUrlValue<string>('status')
  // A link may ask for a state there is not.
  const status = computed<NodeFilter>({
    get: () => FILTERS.find((filter) => filter === asked.value) ?? '',
    set: (value) => (asked.value = value),
  })
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

/** How many apps each node has; null while or where that is not known. */
export function useAppCounts() {
  const { apps, appQuery } = useFleet()
  return computed(() => {
    if (!appQuery.data.value || appQuery.data.value.more) return null
    const counts = new Map<string, number>()
    for (const { nodeId } of apps.value) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1)
    return counts
  })
}
