import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { useThrottleFn } from '@vueuse/core'
import { computed } from 'vue'
import { api, data } from '@/api/client'
import { asProblem } from '@/api/problem'
import { workflowKeys } from '../workflowKeys'
import { useTopic } from '@/api/socket'
import { useRun } from '@/app/acting/timeline/useRun'
import type { Execution, ExecutionDetail } from '../workflowActs'

/** Steps end by the dozen; the whole is read again no more often than this. */
const READ_MS = 1_000

/** A run of a workflow: the run it is, its steps, and its forks, kept true by events while it is open. */
export function useExecution(id: () => string) {
  const client = useQueryClient()
  const { run, approval, isOpen, now, failed: runFailed, again: runAgain } = useRun(id)
  const query = useQuery({
    queryKey: computed(() => workflowKeys.execution(id())),
    queryFn: ({ signal }) => data<ExecutionDetail>(api.GET('/api/v1/workflow-executions/{id}', { params: { path: { id: id() } }, signal })),
  })
  const execution = computed(() => query.data.value ?? null)
  const forks = useQuery({
    queryKey: computed(() => workflowKeys.executionForks(id())),
    queryFn: ({ signal }) => data<Execution[]>(api.GET('/api/v1/workflow-executions/{id}/forks', { params: { path: { id: id() } }, signal })),
  })
  const again = useThrottleFn(
    () => {
      void client.invalidateQueries({ queryKey: workflowKeys.execution(id()), exact: true })
      void client.invalidateQueries({ queryKey: workflowKeys.executionForks(id()) })
    },
    READ_MS,
    true,
  )
  // Followed to the last step, which may be told after the run's own end.
  const mayChange = computed(() => isOpen.value || (execution.value !== null && execution.value.state !== 'done'))
  useTopic(
    computed(() => (mayChange.value ? `run:${id()}` : null)),
    () => void again(),
  )
  /** Its steps are not there: it has not been admitted yet, or it is no run of a workflow. */
  const isAbsent = computed(() => !execution.value && !!query.error.value && asProblem(query.error.value).status === 404)
  const failed = computed(() => (execution.value || isAbsent.value ? runFailed.value : (query.error.value ?? runFailed.value)))
  return {
    run, approval, isOpen, now, execution, isAbsent, failed,
    forks: computed(() => forks.data.value ?? []),
    again: () => Promise.all([query.refetch(), runAgain()]),
  }
}
