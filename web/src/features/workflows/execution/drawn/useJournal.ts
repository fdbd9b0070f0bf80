import { useQuery } from '@tanstack/vue-query'
import { computed, shallowRef, watch } from 'vue'
import { api, page } from '@/api/client'
import { workflowKeys } from '../../workflowKeys'
import type { Entry } from './replay'

/** Entries of one reading, and of all of them at the most. */
const PAGE = 200
export const MOST_ENTRIES = 5_000

/** What was recorded of a run, followed while it grows: entries never change, so that only what is new is read. */
export function useJournal(id: () => string, grown: () => unknown) {
  const entries = shallowRef<readonly Entry[]>([])
  const query = useQuery({
    queryKey: computed(() => workflowKeys.executionJournal(id())),
    queryFn: async ({ signal }) => {
      let all = entries.value
      for (;;) {
        const after = all.at(-1)?.seq
        const params = { path: { id: id() }, query: { limit: PAGE, after: after === undefined ? undefined : String(after) } }
        const { items, next } = await page<Entry>(api.GET('/api/v1/workflow-executions/{id}/journal', { params, signal }))
        if (items.length > 0) all = [...all, ...items]
        if (next === null || all.length >= MOST_ENTRIES) break
      }
      entries.value = all
      return all.length
    },
    // What was read is kept beside the cache, with this component.
    gcTime: 0,
  })
  watch(grown, () => void query.refetch())
  return { entries, query, isCut: computed(() => entries.value.length >= MOST_ENTRIES) }
}
