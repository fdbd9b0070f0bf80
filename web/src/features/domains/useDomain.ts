import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import type { Domain } from '@/app/domains/domain'

/** One domain; events keep it fresh. */
export function useDomain(id: Ref<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.domain(id.value)),
    queryFn: ({ signal }) => data<Domain>(api.GET('/api/v1/proxies/{id}', { params: { path: { id: id.value } }, signal })),
  })
  // Another one's page is being opened: nothing of the last is shown under its name.
  const domain = computed(() => (query.data.value?.id === id.value ? query.data.value : undefined))
  return { query, domain }
}
