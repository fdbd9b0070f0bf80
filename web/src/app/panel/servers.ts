import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import type { Place } from '@/app/me'
import { panelKeys } from '@/app/panel/keys'

/** Where a server stands. */
export const placeOfServer = (server: Pick<Schemas['Server'], 'id' | 'nodeId' | 'projectId'>): Place => ({ server: server.id, node: server.nodeId, project: server.projectId })

/** Servers of one request, as many as the API gives. */
const PAGE = 200

/** Servers by name, to be picked; the newest of a large team. */
export function useServerNames() {
  const query = useQuery({
    queryKey: panelKeys.serverList({ names: true }),
    queryFn: async ({ signal }) => (await page<Schemas['Server']>(api.GET('/api/v1/servers', { params: { query: { limit: PAGE } }, signal }))).items,
  })
  const servers = computed(() => (query.data.value ?? []).map(({ id, name }) => ({ id, name })))
  return { query, servers }
}
