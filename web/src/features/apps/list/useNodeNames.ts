import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Nodes read for their names; more than these are told by their ids. */
const MOST_PAGES = 10
const PER_PAGE = 200

/** Every node, by name: for filters, choices and cells. */
export function useNodeNames() {
  const query = useQuery({
    queryKey: keys.nodeList({ all: true }),
    queryFn: async ({ signal }) => {
      const found: Schemas['Node'][] = []
      let after: string | undefined
      for (let at = 0; at < MOST_PAGES; at++) {
        const { items, next } = await page<Schemas['Node']>(api.GET('/api/v1/nodes', { params: { query: { limit: PER_PAGE, after } }, signal }))
        found.push(...items)
        if (!next) break
        after = next
      }
      return found.sort((a, b) => a.name.localeCompare(b.name))
    },
  })
  const nodes = computed(() => query.data.value ?? [])
  const byId = computed(() => new Map(nodes.value.map((node) => [node.id, node])))
  return { nodes, byId, isPending: query.isPending, error: query.error, refetch: query.refetch }
}
