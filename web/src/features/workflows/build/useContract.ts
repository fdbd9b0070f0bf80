import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data } from '@/api/client'
import { useActionSpecs } from '@/app/forms/useActionSpecs'
import { valueAt, type Fields } from '../document/source'
import { workflowKeys } from '../workflowKeys'

/** What the control plane says of actions and of documents: forms are made from it. It changes with its version alone. */
export function useContract(isOn: () => boolean) {
  const enabled = computed(isOn)
  const { query: actions, specs, byName: specByName } = useActionSpecs(isOn)
  const schema = useQuery({
    queryKey: workflowKeys.schema,
    queryFn: ({ signal }) => data<Fields>(api.GET('/api/v1/workflows/schema', { signal })),
    enabled,
    staleTime: Infinity,
  })
  /** The schema of a part of a document, with all it refers to. */
  const part = (name: string): Fields | null => {
    const root = schema.data.value
    return root ? { ...root, properties: undefined, required: undefined, ...(valueAt(root, ['$defs', name]) as Fields) } : null
  }
  return { specs, specByName, part, failed: computed(() => actions.error.value ?? schema.error.value), again: () => Promise.all([actions.refetch(), schema.refetch()]) }
}
export type Contract = ReturnType<typeof useContract>
