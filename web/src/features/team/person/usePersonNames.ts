import { useQuery } from '@tanstack/vue-query'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** People of one request, as many as the API gives. */
const PAGE = 200

/** What people are called, by id; null for who is gone, or not among the first of a large team. */
export function usePersonNames(): (id: string) => string | null {
  const query = useQuery({
    queryKey: keys.peopleList({ names: true }),
    queryFn: async ({ signal }) => {
      const { items } = await page<Schemas['Person']>(api.GET('/api/v1/users', { params: { query: { limit: PAGE } }, signal }))
      return new Map(items.map(({ id, name }) => [id, name]))
    },
  })
  return (id) => query.data.value?.get(id) ?? null
}
