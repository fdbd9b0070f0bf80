import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** What belongs together: apps, secrets. There is at least one. */
export function useProjects() {
  const query = useQuery({
    queryKey: keys.projects,
    queryFn: async ({ signal }) => (await page<Schemas['Project']>(api.GET('/api/v1/projects', { signal }))).items,
  })
  const projects = computed(() => query.data.value ?? [])
  const projectById = computed(() => new Map(projects.value.map((project) => [project.id, project])))
  return { query, projects, projectById }
}
