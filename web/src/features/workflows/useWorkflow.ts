import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, shallowRef } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { workflowKeys } from './workflowKeys'
import type { Inputs } from './input/inputs'
import type { Workflow } from './workflowActs'
import { text } from '@/locales/en/workflows'

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
  const read = shallowRef<{ document: string; inputs: Inputs } | null>(null)
  const inputs = computed(() => {
    const document = query.data.value?.document
    if (document === undefined) return undefined
    if (read.value?.document === document) return read.value.inputs
    // Who asks for no input need not carry what reads it.
    void import('./document/inputs').then(({ inputsOf }) => (read.value = { document, inputs: inputsOf(document) }))
    return undefined
  })
  return { query, version: computed(() => query.data.value ?? null), inputs }
}

/** Versions that one reading answers. */
const PAGE = 50

/** The versions of a workflow, newest first, by pages; the newest is known before they are read. */
export function useVersions(workflow: () => Pick<Workflow, 'id' | 'version'> | null) {
  const query = useInfiniteQuery({
    queryKey: computed(() => [...workflowKeys.workflowVersions(workflow()?.id ?? ''), workflow()?.version ?? 0]),
    queryFn: ({ pageParam, signal }) =>
      data<Version[]>(api.GET('/api/v1/workflows/{id}/versions', { params: { path: { id: workflow()!.id }, query: { before: pageParam } }, signal })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.length === PAGE && last.at(-1)!.version > 1 ? last.at(-1)!.version : undefined),
    enabled: computed(() => workflow() !== null),
  })
  const newest = computed(() => workflow()?.version ?? 0)
  /** To choose from; `also` stands there too, however old. */
  const optionsWith = (also: number): { value: string; label: string }[] => {
    const known = new Set([newest.value, also, ...(query.data.value?.pages.flat().map(({ version }) => version) ?? [])])
    const all = [...known].filter((one) => one > 0).sort((one, other) => other - one)
    return all.map((one) => ({ value: String(one), label: text.document.versionOf(one, one === newest.value) }))
  }
  return { query, newest, optionsWith }
}
