import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { workflowKeys } from '../workflowKeys'

export type Lint = Schemas['WorkflowLint']

/** Typing is gathered before it is checked. */
const GATHER_MS = 400
/** What was checked a while ago is not kept: documents are large, and each keystroke makes another. */
const KEPT_MS = 60_000

/** What the control plane says of a document while it is typed. */
export function useLint(document: Ref<string>, isOn: () => boolean = () => true) {
  const gathered = refDebounced(document, GATHER_MS)
  const query = useQuery({
    queryKey: computed(() => workflowKeys.workflowCheck(gathered.value)),
    queryFn: ({ signal }) => data<Lint>(api.POST('/api/v1/workflows/lint', { body: { document: gathered.value }, signal })),
    enabled: computed(() => isOn() && gathered.value.trim() !== ''),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: KEPT_MS,
  })
  const isEmpty = computed(() => document.value.trim() === '')
  /** The answer is of an earlier text, or none is there yet. */
  const isChecking = computed(() => !isEmpty.value && !query.isError.value && (gathered.value !== document.value || query.isFetching.value || !query.data.value))
  const lint = computed(() => (isEmpty.value ? null : (query.data.value ?? null)))
  /** Exactly this text can be saved. */
  const isGood = computed(() => !isChecking.value && !query.isError.value && lint.value?.ok === true)
  const failed = computed(() => (isEmpty.value || gathered.value !== document.value ? null : query.error.value))
  return { lint, isEmpty, isChecking, isGood, failed, again: () => query.refetch() }
}
export type Check = ReturnType<typeof useLint>
