import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data, page, type Page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import type { Act } from '@/app/acting/useAct'
import { isOpen } from '@/app/states/run'

/** Runs of one app that are read to know what is done to it now and what was done last. */
const LAST_RUNS = 20

/** An app, its node, and what is being done to it. */
export function useApp(id: Ref<string>) {
  const client = useQueryClient()
  const query = useQuery({
    queryKey: computed(() => keys.app(id.value)),
    queryFn: ({ signal }) => data<Schemas['App']>(api.GET('/api/v1/apps/{id}', { params: { path: { id: id.value } }, signal })),
  })
  // Another app's page is being opened: nothing of the last one is shown under its name.
  const app = computed(() => (query.data.value?.id === id.value ? query.data.value : undefined))
  const nodeId = computed(() => app.value?.nodeId ?? '')
  const nodeQuery = useQuery({
    queryKey: computed(() => keys.node(nodeId.value)),
    queryFn: ({ signal }) => data<Schemas['Node']>(api.GET('/api/v1/nodes/{id}', { params: { path: { id: nodeId.value } }, signal })),
    enabled: computed(() => nodeId.value !== ''),
  })
  const runsKey = computed(() => keys.runList({ appId: id.value, limit: LAST_RUNS }))
  const runQuery = useQuery({
    queryKey: runsKey,
    queryFn: ({ signal }) => page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: { appId: id.value, limit: LAST_RUNS } }, signal })),
  })
  const runs = computed(() => runQuery.data.value?.items ?? [])
  const openRun = computed(() => runs.value.find(isOpen))

  // What the app's own topic tells comes sooner than the lists.
  useTopic(
    () => `app:${id.value}`,
    ({ event }) => {
      if (event === 'app.status.update') void client.invalidateQueries({ queryKey: keys.app(id.value), exact: true })
    },
  )

  /** The same act, whose run is shown beside the state the moment it exists. */
  const shown = (act: Act): Act => ({
    ...act,
    done: (answer) => {
      const { run } = (answer ?? {}) as { run?: Schemas['Run'] }
      if (run) {
        client.setQueryData<Page<Schemas['Run']>>(runsKey.value, (old) =>
          old ? { ...old, items: [run, ...old.items.filter((other) => other.id !== run.id)] } : { items: [run], next: null },
        )
      }
      act.done?.(answer)
    },
  })
  return { query, app, node: nodeQuery.data, runs, runQuery, openRun, shown }
}
export type ShownApp = ReturnType<typeof useApp>
