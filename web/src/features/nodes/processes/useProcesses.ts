import { useQueries } from '@tanstack/vue-query'
import { useDocumentVisibility } from '@vueuse/core'
import { computed, reactive, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { cpuShare } from '../samples'

type App = Schemas['App']
export type Process = Schemas['AppProcess']

/** Each app is asked so often; with many apps less often, so that a page costs the node little. */
const AGAIN_MS = 4_000
const AGAIN_EACH_APP_MS = 400

export interface AppProcesses {
  app: App
  processes: (Process & { cpuPermille: number | null })[]
  /** Asked and not answered yet. */
  loading: boolean
  error: unknown
}

/** The processes of a node's apps as the node says right now. */
export function useProcesses(apps: Ref<App[]>, online: Ref<boolean>) {
  const visibility = useDocumentVisibility()
  const looking = computed(() => online.value && visibility.value === 'visible')
  const pause = computed(() => Math.max(AGAIN_MS, apps.value.length * AGAIN_EACH_APP_MS))
  /** Reading before the newest, by app and release: CPU is a difference. */
  const shares = reactive(new Map<string, number | null>())
  const before = new Map<string, { pid: number; cpuMs: number; readAt: number }>()

  async function read(app: App, signal: AbortSignal): Promise<Process[]> {
    const status = await data<Schemas['AppStatus']>(api.GET('/api/v1/apps/{id}/status', { params: { path: { id: app.id } }, signal }))
    const readAt = performance.now()
    for (const process of status.processes) {
      const key = `${app.id} ${process.pid}`
      const now = { pid: process.pid, cpuMs: process.cpuMs, readAt }
      shares.set(key, cpuShare(before.get(key), now))
      before.set(key, now)
    }
    return status.processes
  }

  const results = useQueries({
    queries: computed(() =>
      apps.value.map((app) => ({
        queryKey: [...keys.appStatus(app.id), 'processes'],
        queryFn: ({ signal }: { signal: AbortSignal }) => read(app, signal),
        enabled: looking.value,
        refetchInterval: pause.value,
        retry: false,
      })),
    ),
  })
  const rows = computed<AppProcesses[]>(() =>
    apps.value.map((app, at) => {
      const result = results.value[at]
      const processes = (result?.data ?? []).map((process) => ({ ...process, cpuPermille: shares.get(`${app.id} ${process.pid}`) ?? null }))
      return { app, processes, loading: !!result?.isPending && online.value, error: result?.error ?? null }
    }),
  )
  return rows
}
