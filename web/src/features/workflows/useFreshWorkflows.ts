import { useQueryClient } from '@tanstack/vue-query'
import { useThrottleFn } from '@vueuse/core'
import { workflowKeys } from './workflowKeys'
import { useTopic } from '@/api/socket'

/** Steps end by the dozen; lists are read again no more often than this. */
const LIST_MS = 2_000

/** Workflows and lists of their runs follow what the control plane tells, while somebody looks. */
export function useFreshWorkflows(): void {
  const client = useQueryClient()
  const again = useThrottleFn(
    () => {
      void client.invalidateQueries({ queryKey: [...workflowKeys.workflows, 'list'] })
      void client.invalidateQueries({ queryKey: [...workflowKeys.workflows, 'one'] })
      void client.invalidateQueries({ queryKey: [...workflowKeys.executions, 'list'] })
    },
    LIST_MS,
    true,
  )
  useTopic(
    () => 'workflows',
    () => void again(),
  )
  // That a run has opened or ended is told of it as of every run.
  useTopic<{ action: string }>(
    () => 'runs',
    ({ data }) => void (data.action.startsWith('workflow.') && again()),
  )
}
