import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Lines found that are shown at the most. */
export const MOST_FOUND = 5_000
/** A search that goes on asks so often at the most. */
const MAX_ASKS = 25

/** Lines of a whole log that hold a text, found by the control plane: also those that are not loaded here. */
export function useLogSearch(app: MaybeRefOrGetter<string>, release: MaybeRefOrGetter<string | null>, q: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => [...keys.app(toValue(app)), 'logs', toValue(release), toValue(q)]),
    enabled: computed(() => toValue(q) !== '' && toValue(release) !== null),
    // New lines are told while it is tailed; a search is asked anew by hand.
    refetchOnWindowFocus: false,
    queryFn: async ({ signal }) => {
      const found: Schemas['LogLine'][] = []
      for (let asks = 0; asks < MAX_ASKS && found.length < MOST_FOUND; asks++) {
        const part = { q: toValue(q), release: toValue(release)!, after: found.at(-1)?.sequence ?? 0 }
        const { lines } = await data<Schemas['LogLines']>(api.GET('/api/v1/apps/{id}/logs', { params: { path: { id: toValue(app) }, query: part }, signal }))
        if (lines.length === 0) break
        found.push(...lines)
      }
      return found.slice(0, MOST_FOUND)
    },
  })
  return { found: computed(() => query.data.value ?? []), query }
}
