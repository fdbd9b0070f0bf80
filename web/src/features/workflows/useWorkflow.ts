import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { workflowKeys } from './workflowKeys'
import { inputsOf } from './input/inputs'
import type { Workflow } from './workflowActs'

export type Version = Schemas['WorkflowVersion']

/** One workflow; null asks for none. */
export function useWorkflow(id: () => string | null) {
  const query = useQuery({
    queryKey: computed(() => workflowKeys.workflow(id() ?? '')),
    queryFn: ({ signal }) => data<Workflow>(api.GET('/api/v1/workflows/{id}', { params: { path: { id: id()! } }, signal })),
    enabled: computed(() => id() !== null),
  })
  return { query, workflow: computed(() => query.data.value ?? null) }
}

/** A version as it was written; versions never change. */
export function useDocument(what: () => { id: string; version: number } | null) {
  const query = useQuery({
    queryKey: computed(() => workflowKeys.workflowDocument(what()?.id ?? '', what()?.version ?? 0)),
    queryFn: ({ signal }) => {
      const { id, version } = what()!
      return data<Version>(api.GET('/api/v1/workflows/{id}/document', { params: { path: { id }, query: { version } }, signal }))
    },
    enabled: computed(() => what() !== null),
    staleTime: Infinity,
  })
  /** What its input has to be like; undefined until it is known. */
  const inputs = computed(() => (query.data.value ? inputsOf(query.data.value.document) : undefined))
  return { query, version: computed(() => query.data.value ?? null), inputs }
}
