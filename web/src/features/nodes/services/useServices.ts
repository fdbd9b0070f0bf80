import { useQuery } from '@tanstack/vue-query'
import { useDocumentVisibility } from '@vueuse/core'
import { computed, type Ref } from 'vue'
import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text as words } from '@/locales/en/nodes'

const text = words.services
export type NodeService = Schemas['NodeService']
type Verb = keyof typeof text.verbs
const VERBS = Object.keys(text.verbs) as Verb[]

/** A service may change by itself; nobody tells of it, so it is asked while somebody looks. */
const AGAIN_MS = 5_000

/** The services of a node, as it says right now. */
export function useServices(id: Ref<string>, online: Ref<boolean>) {
  const visibility = useDocumentVisibility()
  return useQuery({
    queryKey: computed(() => keys.nodeServices(id.value)),
    queryFn: ({ signal }) => data<NodeService[]>(api.GET('/api/v1/nodes/{id}/services', { params: { path: { id: id.value } }, signal })),
    enabled: computed(() => online.value && visibility.value === 'visible'),
    refetchInterval: AGAIN_MS,
    retry: false,
  })
}

/** What suits the state it is in. */
export function verbsOf(service: Pick<NodeService, 'state' | 'verbs'>): Verb[] {
  const moot: Verb[] = service.state === 'running' ? ['start'] : service.state === 'stopped' ? ['stop', 'restart', 'reload'] : []
  return VERBS.filter((verb) => service.verbs.includes(verb) && !moot.includes(verb))
}

/** Steers a service of a machine. */
export function steerService(node: Pick<Schemas['Node'], 'id' | 'name'>, service: NodeService, verb: Verb): Act {
  const body = { service: service.name, verb }
  const call = (query?: { dryRun: true }) => api.POST('/api/v1/nodes/{id}/services', { params: { path: { id: node.id }, query }, body })
  return {
    title: text.steer(text.verbs[verb], service.name, node.name),
    about: text.steerAbout,
    danger: verb === 'stop' || verb === 'restart',
    plan: () => plan(call({ dryRun: true })),
    perform: () => data(call()),
    touches: [keys.nodeServices(node.id), ['activity']],
  }
}
