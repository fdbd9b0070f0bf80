import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

export type ActionSpec = Schemas['ActionSpec']

/** Every action there is, with the schema of its arguments where it has one. It changes with the control plane's version alone. */
export function useActionSpecs(isOn: () => boolean = () => true) {
  const query = useQuery({
    queryKey: keys.actions,
    queryFn: ({ signal }) => data<ActionSpec[]>(api.GET('/api/v1/actions', { signal })),
    enabled: computed(isOn),
    staleTime: Infinity,
  })
  const specs = computed(() => query.data.value ?? [])
  return { query, specs, byName: computed(() => new Map(specs.value.map((spec) => [spec.name, spec]))) }
}
