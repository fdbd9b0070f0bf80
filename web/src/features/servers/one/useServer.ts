import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { panelKeys } from '@/app/panel/keys'
import { useTopic } from '@/api/socket'

/** A server, its machine and its template. What is not seen for want of a right is not told. */
export function useServer(id: Ref<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.server(id.value)),
    queryFn: ({ signal }) => data<Schemas['Server']>(api.GET('/api/v1/servers/{id}', { params: { path: { id: id.value } }, signal })),
  })
  // Another server's page is being opened: nothing of the last one is shown under its name.
  const server = computed(() => (query.data.value?.id === id.value ? query.data.value : undefined))
  const nodeId = computed(() => server.value?.nodeId ?? '')
  const node = useQuery({
    queryKey: computed(() => keys.node(nodeId.value)),
    queryFn: ({ signal }) => data<Schemas['Node']>(api.GET('/api/v1/nodes/{id}', { params: { path: { id: nodeId.value } }, signal })),
    enabled: computed(() => nodeId.value !== ''),
    retry: false,
  })
  const altId = computed(() => server.value?.altId ?? '')
  const alt = useQuery({
    queryKey: computed(() => panelKeys.alt(altId.value, server.value?.altVersion ?? null)),
    queryFn: ({ signal }) => data<Schemas['AltWithDocument']>(api.GET('/api/v1/alts/{id}', { params: { path: { id: altId.value }, query: { version: server.value?.altVersion } }, signal })),
    enabled: computed(() => altId.value !== ''),
    retry: false,
  })
  // One without the right to lists of servers hears of this one alone; the cache is kept fresh by what the socket passes on.
  useTopic(() => `server:${id.value}`, ({ event }) => {
    if (event === 'server.status.update') void query.refetch()
  })
  return { query, server, node: node.data, alt: alt.data }
}
