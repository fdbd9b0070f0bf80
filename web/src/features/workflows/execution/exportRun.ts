import { api, data } from '@/api/client'
import { saveFile } from '@/ui/write/saveFile'
import type { ExecutionDetail, Step } from '../workflowActs'

const path = (id: string) => ({ params: { path: { id } } })

/** All that is known of a run, outputs that its page leaves out included. */
export async function wholeRun(id: string): Promise<ExecutionDetail> {
  const execution = await data<ExecutionDetail>(api.GET('/api/v1/workflow-executions/{id}', path(id)))
  const steps: Step[] = []
  // One after the other: they are large.
  for (const step of execution.steps) {
    if (!step.outputLeftOut) steps.push(step)
    else {
      const { output } = await data<Step>(api.GET('/api/v1/workflow-executions/{id}/steps/{key}', { params: { path: { id, key: step.key } } }))
      steps.push({ ...step, output, outputLeftOut: false })
    }
  }
  return { ...execution, steps }
}

/** Saves a run as a file of JSON; answers the file's name. */
export async function saveRun(id: string): Promise<string> {
  const run = await wholeRun(id)
  const name = `${run.workflowName}.${id.slice(-8)}.json`
  saveFile(name, `${JSON.stringify(run, null, 2)}\n`, 'application/json')
  return name
}
