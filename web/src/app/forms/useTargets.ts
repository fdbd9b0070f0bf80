import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { useFleet } from '@/app/fleet'
import { useProjects } from '@/app/projects'

const MOST = 200

/** Workflows to choose from, by their names. */
export function useWorkflowNames(isOn: () => boolean) {
  const filter = { limit: MOST }
  const query = useQuery({
    queryKey: ['workflows', 'list', filter] as const,
    queryFn: async ({ signal }) => (await page<Schemas['Workflow']>(api.GET('/api/v1/workflows', { params: { query: filter }, signal }))).items,
    enabled: computed(isOn),
  })
  return computed(() => query.data.value ?? [])
}

/** Objects that an id may be of, by their names; null where they are not listed here. */
export function useTargets(target: () => string | null) {
  const { apps, nodes } = useFleet(() => target() === 'app' || target() === 'node')
  const { projects } = useProjects()
  const workflows = useWorkflowNames(() => target() === 'workflow')
  const optionsOf = computed(() => {
    const all = { app: apps.value, node: nodes.value, project: projects.value, workflow: workflows.value }[target() ?? '']
    return all ? all.map(({ id, name }) => ({ value: id, label: name })) : null
  })
  return { optionsOf }
}
