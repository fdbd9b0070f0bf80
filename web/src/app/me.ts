import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Who is signed in, and what they may do. */
export function useMe() {
  const query = useQuery({
    queryKey: keys.me,
    queryFn: () => data<Schemas['Me']>(api.GET('/api/v1/auth/me')),
    staleTime: Infinity,
  })
  const me = computed(() => query.data.value ?? null)
  /** Whether a right is had; before it is known nothing is held back, since the control plane decides anyway. */
  const may = (permission: string): boolean => me.value?.permissions.includes(permission) ?? true
  return { query, me, may }
}
