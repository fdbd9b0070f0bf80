import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { useDocumentVisibility } from '@vueuse/core'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/activity'
import { note } from '@/ui/notice/notices'

export type Chain = Schemas['AuditChain']
/** No event tells how far was checked: it is read anew while somebody looks. */
const AGAIN_MS = 10_000

/** How the audit chains are, the damaged ones first, and checking all of them now. */
export function useChains() {
  const client = useQueryClient()
  const visibility = useDocumentVisibility()
  const query = useQuery({
    queryKey: keys.chains,
    queryFn: ({ signal }) => data<Schemas['AuditChains']>(api.GET('/api/v1/activity/state', { signal })),
    refetchInterval: () => (visibility.value === 'visible' ? AGAIN_MS : false),
  })
  const chains = computed(() => (query.data.value?.instances ?? []).toSorted((a, b) => Number(!!b.firstBad) - Number(!!a.firstBad) || b.size - a.size))
  const verify = useMutation({
    mutationFn: () => data<Schemas['AuditChains']>(api.POST('/api/v1/activity/verify')),
    onSuccess: (answer) => {
      client.setQueryData(keys.chains, answer)
      if (!answer.instances.some(({ firstBad }) => firstBad)) note({ tone: 'good', title: text.chain.verified })
    },
  })
  return { query, chains, verify }
}
