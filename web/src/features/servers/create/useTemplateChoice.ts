import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { panelKeys } from '@/app/panel/keys'
import { readAlt } from '@/app/panel/alt'

/** Rows of one request, as many as the API gives. */
const MOST = 200

/** Categories, the templates in each, and what the chosen one says. */
export function useTemplateChoice(chosen: () => string) {
  const ctrlQuery = useQuery({
    queryKey: [...panelKeys.ctrls, 'whole'],
    queryFn: async ({ signal }) => (await page<Schemas['Ctrl']>(api.GET('/api/v1/ctrls', { params: { query: { limit: MOST } }, signal }))).items,
  })
  const altQuery = useQuery({
    queryKey: panelKeys.altList({ whole: true }),
    queryFn: async ({ signal }) => (await page<Schemas['Alt']>(api.GET('/api/v1/alts', { params: { query: { limit: MOST } }, signal }))).items,
  })
  const one = useQuery({
    queryKey: computed(() => panelKeys.alt(chosen(), null)),
    queryFn: ({ signal }) => data<Schemas['AltWithDocument']>(api.GET('/api/v1/alts/{id}', { params: { path: { id: chosen() } }, signal })),
    enabled: computed(() => chosen() !== ''),
  })
  const ctrls = computed(() => ctrlQuery.data.value ?? [])
  const alts = computed(() => altQuery.data.value ?? [])
  const document = computed(() => (one.data.value && one.data.value.alt.id === chosen() ? readAlt(one.data.value.document) : undefined))
  return { ctrls, alts, document, one, altQuery }
}
