import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page } from '@/api/client'
import { keys } from '@/api/keys'

/** People of one request, as many as the API gives. */
const PAGE = 200

export interface Named {
  id: string
  name: string
}

/** People of the team by name, to be picked; the first of a large team. */
export function usePeopleNames() {
  const query = useQuery({
    queryKey: keys.names,
    queryFn: async ({ signal }) => {
      const { items } = await page<Named>(api.GET('/api/v1/users', { params: { query: { limit: PAGE, state: 'active' } }, signal }))
      return items.map(({ id, name }) => ({ id, name }))
    },
  })
  const people = computed<Named[]>(() => query.data.value ?? [])
  const names = computed(() => new Map(people.value.map(({ id, name }) => [id, name])))
  return { people, names }
}
