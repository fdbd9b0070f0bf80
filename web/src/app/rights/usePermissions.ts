import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

export type Category = Schemas['PermissionCategory']

/** Every permission there is, in groups; those of the panel first. They change with the program alone. */
export function usePermissions() {
  const query = useQuery({ queryKey: keys.permissions, queryFn: () => data<Category[]>(api.GET('/api/v1/permissions')), staleTime: Infinity })
  const categories = computed(() => (query.data.value ?? []).toSorted((a, b) => Number(b.panel) - Number(a.panel)))
  return { query, categories }
}

/** Built-in roles and the team's own. */
export function useRoles() {
  const query = useQuery({ queryKey: keys.roles, queryFn: () => data<Schemas['Role'][]>(api.GET('/api/v1/roles')) })
  const roles = computed(() => query.data.value ?? [])
  return { query, roles }
}
