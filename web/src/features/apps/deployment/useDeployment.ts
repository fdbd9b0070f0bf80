import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Rows of one request, and pages read at the most to find a release by its number. */
const PER_PAGE = 200
const MAX_PAGES = 25

/** One release by its number, among all of its app. */
export function useDeployment(id: () => string, number: () => number) {
  const appQuery = useQuery({
    queryKey: computed(() => keys.app(id())),
    queryFn: ({ signal }) => data<Schemas['App']>(api.GET('/api/v1/apps/{id}', { params: { path: { id: id() } }, signal })),
  })
  const query = useQuery({
    queryKey: computed(() => [...keys.releases(id()), 'whole']),
    queryFn: async ({ signal }) => {
      const all: Schemas['Release'][] = []
      let after: string | undefined
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const { items, next } = await page<Schemas['Release']>(
          api.GET('/api/v1/apps/{id}/releases', { params: { path: { id: id() }, query: { limit: PER_PAGE, after } }, signal }),
        )
        all.push(...items)
        if (!next) break
        after = next
      }
      return all
    },
  })
  const releases = computed(() => query.data.value ?? [])
  const release = computed(() => releases.value.find((one) => one.number === number()) ?? null)
  const failed = computed(() => (release.value ? null : (query.error.value ?? appQuery.error.value)))
  const again = (): void => {
    void query.refetch()
    void appQuery.refetch()
  }
  return { app: computed(() => appQuery.data.value ?? null), releases, release, isPending: query.isPending, failed, again }
}
