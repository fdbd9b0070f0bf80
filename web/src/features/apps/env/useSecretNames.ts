import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useMe } from '@/app/me'
import { useProjects } from '@/app/projects'

/** Names of one request, as many as the API gives. */
const MAX_NAMES = 200

/** Names of the secrets that an app of a project can refer to; none where one may not see them. */
export function useSecretNames(project: () => string) {
  const { me, may } = useMe()
  const { projects } = useProjects()
  const filter = computed(() => ({ project: project() || projects.value[0]?.id }))
  const query = useQuery({
    queryKey: computed(() => keys.secretList({ ...filter.value, names: true })),
    queryFn: async ({ signal }) => {
      const { items } = await page<Schemas['Secret']>(api.GET('/api/v1/secrets', { params: { query: { ...filter.value, limit: MAX_NAMES } }, signal }))
      return items.map(({ name }) => name)
    },
    enabled: computed(() => me.value !== null && !!filter.value.project && may('secret:view', { project: filter.value.project })),
  })
  return computed(() => query.data.value ?? [])
}
