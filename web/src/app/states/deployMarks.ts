import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Mark } from '@/ui/chart/series'

/** Deploys shown at the most: one page of runs. */
export const MOST_MARKS = 200

export interface Deploy extends Mark {
  run: Schemas['Run']
}

/** What became of a deploy changed the app at its end; one under way began at its begin. */
export const marksOf = (runs: Schemas['Run'][], from: number, to: number): Deploy[] =>
  runs
    .filter(({ done }) => !done || done === 'succeeded' || done === 'failed' || done === 'rolledBack')
    .map((run): Deploy => ({ run, at: Date.parse(run.closedAt ?? run.openedAt), tone: !run.done ? 'info' : run.done === 'succeeded' ? 'good' : 'bad' }))
    .filter(({ at }) => at >= from && at <= to)

/** Deploys of an app, or of the apps on a node, between two times. */
export function useDeployMarks(of: () => { appId: string } | { nodeId: string }, from: MaybeRefOrGetter<number>, to: MaybeRefOrGetter<number>) {
  const filter = computed(() => ({ ...of(), action: 'app.deploy', limit: MOST_MARKS }))
  const query = useQuery({
    queryKey: computed(() => keys.runList(filter.value)),
    queryFn: ({ signal }) => page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: filter.value }, signal })),
  })
  const deploys = computed(() => marksOf(query.data.value?.items ?? [], toValue(from), toValue(to)))
  return { deploys, known: query.isSuccess }
}
