import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { note } from '@/ui/notice/notices'
import { sampleOf, type MetricsEvent } from './samples'

/** What a node has to say while it is looked at. */
interface Notice {
  change?: string
  code: string
  message: string
}

/** An app list of one node is read whole; a machine with more has other worries. */
const APPS_OF_NODE = 200

/** One machine; its newest sample follows the live ones. */
export function useNode(id: Ref<string>) {
  const client = useQueryClient()
  const query = useQuery({
    queryKey: computed(() => keys.node(id.value)),
    queryFn: ({ signal }) => data<Schemas['Node']>(api.GET('/api/v1/nodes/{id}', { params: { path: { id: id.value } }, signal })),
  })
  useTopic<MetricsEvent & Notice>(
    () => `node:${id.value}`,
    ({ event, data: told }) => {
      if (event === 'node.metrics') {
        client.setQueryData<Schemas['Node']>(keys.node(id.value), (node) => node && { ...node, latest: sampleOf(told) })
      } else if (told.change === 'notice') {
        note({ tone: 'bad', title: told.message, detail: told.code })
      }
    },
  )
  return query
}

/** The apps that live on a node. */
export function useNodeApps(id: Ref<string>) {
  return useQuery({
    queryKey: computed(() => keys.appList({ nodeId: id.value, whole: true })),
    queryFn: async ({ signal }) => {
      const query = { nodeId: id.value, limit: APPS_OF_NODE }
      return (await page<Schemas['App']>(api.GET('/api/v1/apps', { params: { query }, signal }))).items
    },
  })
}
