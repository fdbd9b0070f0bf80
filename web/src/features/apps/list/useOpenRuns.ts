import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { isOpen } from '@/app/states/run'

/** Open runs looked at; a fleet that does more at once shows the state of the rest without the verb. */
const MOST = 200

/** What is being done right now, by app: told beside the state an app was last heard in. */
export function useOpenRuns() {
  const query = useQuery({
    queryKey: keys.runList({ state: 'open', limit: MOST }),
    queryFn: ({ signal }) => page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: { state: 'open', limit: MOST } }, signal })),
  })
  const byApp = computed(() => {
    const found = new Map<string, Schemas['Run']>()
    // Newest first: the first of an app is what it does now.
    for (const run of query.data.value?.items ?? []) if (run.appId && isOpen(run) && !found.has(run.appId)) found.set(run.appId, run)
    return found
  })
  return { byApp }
}
