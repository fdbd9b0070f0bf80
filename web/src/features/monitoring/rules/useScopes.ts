import { useQuery } from '@tanstack/vue-query'
import { api, page, type Schemas } from '@/api/client'
import { useFleet } from '@/app/fleet'
import { panelKeys } from '@/app/panel/keys'
import { useServerNames } from '@/app/panel/servers'
import { useProjects } from '@/app/projects'
import type { Rule, ScopeKind } from './form'

interface Named {
  id: string
  name: string
}
/** Rows of one request, as many as the API gives. */
const PAGE_ROWS = 200

/** What rules can be about, by name. */
export function useScopes() {
  const { nodes } = useFleet()
  const { servers } = useServerNames()
  const { projects } = useProjects()
  const alts = useQuery({
    queryKey: panelKeys.altList({ whole: true }),
    queryFn: async ({ signal }) => (await page<Schemas['Alt']>(api.GET('/api/v1/alts', { params: { query: { limit: PAGE_ROWS } }, signal }))).items,
  })
  const of = (kind: ScopeKind): Named[] => {
    if (kind === 'node') return nodes.value
    if (kind === 'server') return servers.value
    if (kind === 'project') return projects.value
    return kind === 'alt' ? (alts.data.value ?? []) : []
  }
  /** What a rule is about: the end of its id where the name is not known. */
  const nameOf = ({ scope }: Pick<Rule, 'scope'>): string => (scope.id ? (of(scope.kind).find(({ id }) => id === scope.id)?.name ?? scope.id.slice(-8)) : '')
  return { of, nameOf }
}
