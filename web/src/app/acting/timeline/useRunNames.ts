import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { runTitle } from '@/app/runTitle'

/** What the app and the machine of a run are called. Gone ones have no name any more. */
export function useRunNames(run: () => Schemas['Run'] | null) {
  const appId = computed(() => run()?.appId ?? null)
  const nodeId = computed(() => run()?.nodeId ?? null)
  const app = useQuery({
    queryKey: computed(() => keys.app(appId.value ?? '')),
    // By the id of the key: pages share it, and read it again by this function when no run is looked at any more.
    queryFn: ({ queryKey: [, , id], signal }) => data<Schemas['App']>(api.GET('/api/v1/apps/{id}', { params: { path: { id } }, signal })),
    enabled: computed(() => appId.value !== null),
    retry: false,
  })
  const node = useQuery({
    queryKey: computed(() => keys.node(nodeId.value ?? '')),
    queryFn: ({ queryKey: [, , id], signal }) => data<Schemas['Node']>(api.GET('/api/v1/nodes/{id}', { params: { path: { id } }, signal })),
    enabled: computed(() => nodeId.value !== null),
    retry: false,
  })
  const serverId = computed(() => run()?.serverId ?? null)
  const server = useQuery({
    queryKey: computed(() => keys.server(serverId.value ?? '')),
    queryFn: ({ queryKey: [, , id], signal }) => data<Schemas['Server']>(api.GET('/api/v1/servers/{id}', { params: { path: { id: id! } }, signal })),
    enabled: computed(() => serverId.value !== null),
    retry: false,
  })
  const title = computed(() => {
    const found = run()
    return found ? runTitle(found, app.data.value?.name ?? server.data.value?.name) : ''
  })
  return { app: computed(() => app.data.value ?? null), server: computed(() => server.data.value ?? null), node: computed(() => node.data.value ?? null), title }
}
