import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useListing, useUrlValue } from '@/app/listing'

export type Secret = Schemas['Secret']
const PAGE = 100

/** Secrets with the filters in the URL. Never a value: the API has none to give. */
export function useSecrets() {
  const q = useUrlValue('q')
  const project = useUrlValue('project')
  const filter = computed(() => ({ q: q.value || undefined, project: project.value || undefined }))
  const listing = useListing<Secret>(
    () => keys.secretList(filter.value),
    (after, signal) => page(api.GET('/api/v1/secrets', { params: { query: { ...filter.value, limit: PAGE, after } }, signal })),
  )
  return { q, project, ...listing }
}
