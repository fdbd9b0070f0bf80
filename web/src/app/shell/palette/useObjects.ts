import { Boxes, ListChecks, Play, RotateCcw, RotateCw, ScrollText, Server, Square, SquareTerminal, Rocket, Workflow as WorkflowIcon } from '@lucide/vue'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, type Ref } from 'vue'
import { useRouter } from 'vue-router'
import { api, page, type Page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { panelKeys } from '@/app/panel/keys'
import { deployApp, restartApp, rollBackApp, startApp, stopApp } from '@/app/acting/appActs'
import { propose, type Act } from '@/app/acting/useAct'
import { useFleet } from '@/app/fleet'
import { useMe } from '@/app/me'
import { appState } from '@/app/states/app'
import { nodeState } from '@/app/states/node'
import { runState } from '@/app/states/run'
import { serverState } from '@/app/states/server'
import { runPath, runTitle } from '@/app/runTitle'
import { text as words } from '@/locales/en/palette'
import { entry, type Entry } from './entry'
import { fold, met } from './rank'

type App = Schemas['App']
type Run = Schemas['Run']

/** Typing is gathered before the control plane is asked too. */
const GATHER_MS = 160
/** Apps whose verbs are offered at one time. */
const MAX_ACTED = 24
const FOUND_RUNS = 8
const FOUND_WORKFLOWS = 8
const FOUND_SERVERS = 8
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/


/** Apps, servers, nodes and runs as entries: at once from what is in memory, then with what the control plane finds. */
export function useObjects(open: Ref<boolean>, question: Ref<string>) {
  const router = useRouter()
  const client = useQueryClient()
  const { may } = useMe()
  const { apps, nodes, appById } = useFleet(open)
  const gathered = refDebounced(question, GATHER_MS)
  const asked = computed(() => gathered.value.trim())

  const foundRuns = useQuery({
    queryKey: computed(() => keys.runList({ palette: asked.value })),
    queryFn: ({ signal }) =>
      page<Run>(api.GET('/api/v1/runs', { params: { query: { q: asked.value || undefined, limit: FOUND_RUNS } }, signal })),
    enabled: open,
    placeholderData: keepPreviousData,
  })

  const foundWorkflows = useQuery({
    queryKey: computed(() => ['workflows', 'list', { palette: asked.value }]),
    queryFn: ({ signal }) =>
      page<Schemas['Workflow']>(api.GET('/api/v1/workflows', { params: { query: { q: asked.value || undefined, limit: FOUND_WORKFLOWS } }, signal })),
    enabled: computed(() => open.value && may('workflow:view')),
    placeholderData: keepPreviousData,
  })
  const foundServers = useQuery({
    queryKey: computed(() => panelKeys.serverList({ palette: asked.value })),
    queryFn: ({ signal }) =>
      page<Schemas['Server']>(api.GET('/api/v1/servers', { params: { query: { q: asked.value || undefined, limit: FOUND_SERVERS } }, signal })),
    enabled: open,
    placeholderData: keepPreviousData,
  })
  const serverEntries = computed(() =>
    (foundServers.data.value?.items ?? []).map((server) => {
      const shown = serverState(server)
      return entry({
        id: `server:${server.id}`, group: 'find', label: server.name, detail: words.serverIs(shown.label), also: server.id, icon: SquareTerminal, tone: shown.tone,
        run: () => void router.push({ name: 'server', params: { id: server.id } }),
      })
    }),
  )
  const workflowEntries = computed(() =>
    (foundWorkflows.data.value?.items ?? []).map((workflow) =>
      entry({
        id: `workflow:${workflow.id}`, group: 'find', label: workflow.name, detail: words.workflowIs(workflow.version), also: workflow.id, icon: WorkflowIcon,
        run: () => void router.push({ name: 'workflow', params: { id: workflow.id } }),
      }),
    ),
  )

  const appEntries = computed(() =>
    apps.value.map((app) => {
      const shown = appState(app)
      return entry({
        id: `app:${app.id}`, group: 'find', label: app.name, detail: words.appIs(shown.label), also: app.id, icon: Boxes, tone: shown.tone,
        run: () => void router.push({ name: 'app', params: { id: app.id } }),
      })
    }),
  )
  const nodeEntries = computed(() =>
    nodes.value.map((node) => {
      const shown = nodeState(node)
      return entry({
        id: `node:${node.id}`, group: 'find', label: node.name, detail: words.nodeIs(shown.label), also: `${node.host} ${node.id}`, icon: Server, tone: shown.tone,
        run: () => void router.push({ name: 'node', params: { id: node.id } }),
      })
    }),
  )
  const runEntries = computed(() => {
    const known = new Map<string, Run>()
    // `open` makes it look again each time.
    if (open.value) {
      for (const [, kept] of client.getQueriesData<{ pages?: Page<Run>[]; items?: Run[] }>({ queryKey: [...keys.runs, 'list'] })) {
        for (const run of kept?.pages?.flatMap(({ items }) => items) ?? kept?.items ?? []) known.set(run.id, run)
      }
    }
    for (const run of foundRuns.data.value?.items ?? []) known.set(run.id, run)
    return [...known.values()].map((run) => {
      const shown = runState(run)
      const app = run.appId ? appById.value.get(run.appId) : undefined
      return entry({
        id: `run:${run.id}`, group: 'find', label: runTitle(run, app?.name), detail: words.runIs(shown.label), also: `${run.action} ${run.id}`, icon: ListChecks, tone: shown.tone,
        run: () => void router.push(runPath(run)),
      })
    })
  })

  const act = (app: App, verb: string, label: string, icon: Entry['icon'], permission: string, make: (app: App) => Act): Entry =>
    entry({ id: `do:${verb}:${app.id}`, group: 'do', label, icon, lacks: may(permission) ? undefined : permission, run: () => propose(make(app)) })

  function verbs(app: App): Entry[] {
    const all = [
      act(app, 'deploy', words.deploy(app.name), Rocket, 'app:deploy', (one) => deployApp(one)),
      act(app, 'rollback', words.rollBack(app.name), RotateCcw, 'app:deploy', (one) => rollBackApp(one)),
    ]
    if (app.desired === 'running') {
      all.push(
        act(app, 'restart', words.restart(app.name), RotateCw, 'app:operate', restartApp),
        act(app, 'stop', words.stop(app.name), Square, 'app:operate', stopApp),
      )
    } else all.push(act(app, 'start', words.start(app.name), Play, 'app:operate', startApp))
    all.push(
      entry({
        id: `go:logs:${app.id}`, group: 'go', label: words.logs(app.name), icon: ScrollText,
        run: () => void router.push({ name: 'app', params: { id: app.id, tab: 'logs' } }),
      }),
    )
    return app.liveRelease ? all : [all[0]!]
  }

  /** What can be done to the apps a question speaks of; all their verbs would be too many to look through. */
  const verbEntries = computed(() => {
    const tokens = fold(question.value).split(/\s+/).filter(Boolean)
    if (tokens.length === 0) return []
    const named = (app: App): boolean => tokens.some((token) => met(token, fold(app.name)) > 0)
    const meant = apps.value.filter(named)
    return (meant.length > 0 ? meant : apps.value).slice(0, MAX_ACTED).flatMap(verbs)
  })

  /** An id on its own may be pasted from a log or the command line. */
  const pasted = computed<Entry[]>(() => {
    const id = question.value.trim().toLowerCase()
    if (!UUID.test(id) || [...appEntries.value, ...nodeEntries.value, ...runEntries.value].some((one) => one.id.endsWith(id))) return []
    const to = (name: string, label: string, icon: Entry['icon']): Entry =>
      entry({ id: `id:${name}:${id}`, group: 'find', label, also: id, icon, run: () => void router.push({ name, params: { id } }) })
    return [to('run', words.asRun, ListChecks), to('app', words.asApp, Boxes), to('node', words.asNode, Server)]
  })

  // Of two that answer alike, what can be done comes before what was done.
  const all = computed(() => [...appEntries.value, ...nodeEntries.value, ...serverEntries.value, ...workflowEntries.value, ...verbEntries.value, ...runEntries.value, ...pasted.value])
  const asking = computed(() => foundRuns.isFetching.value)
  return { all, objects: computed(() => [...appEntries.value, ...nodeEntries.value, ...serverEntries.value, ...workflowEntries.value]), asking }
}
