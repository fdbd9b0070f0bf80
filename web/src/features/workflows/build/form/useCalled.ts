import { computed } from 'vue'
import { useDocument } from '../../useWorkflow'
import { useWorkflowNames } from '@/app/forms/useTargets'

/** The workflow that a step runs, by its name: what its input has to be like, where it is there. */
export function useCalled(name: () => string | null) {
  const all = useWorkflowNames(() => name() !== null)
  const found = computed(() => all.value.find((one) => one.name === name()) ?? null)
  const { inputs } = useDocument(() => found.value && { id: found.value.id, version: found.value.version })
  return {
    names: computed(() => [...new Set(all.value.map((one) => one.name))]),
    inputs: computed(() => (inputs.value && inputs.value !== 'unread' ? inputs.value.schema : null)),
  }
}
