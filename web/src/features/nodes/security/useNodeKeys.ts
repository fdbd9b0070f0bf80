import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** The keys a node has had, newest first; read again with the node itself. */
export function useNodeKeys(id: Ref<string>) {
  return useQuery({
    queryKey: computed(() => [...keys.node(id.value), 'keys']),
    queryFn: ({ signal }) => data<Schemas['NodeKey'][]>(api.GET('/api/v1/nodes/{id}/keys', { params: { path: { id: id.value } }, signal })),
  })
}
