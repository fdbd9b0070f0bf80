import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { workflowKeys } from './workflowKeys'
import { liveRun } from '@/app/acting/live'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/workflows'

export type Workflow = Schemas['Workflow']
export type Execution = Schemas['WorkflowExecution']
export type ExecutionDetail = Schemas['WorkflowExecutionDetail']
export type Step = Schemas['WorkflowStep']
type Named = Pick<Workflow, 'id' | 'name'>
type Opened = Schemas['RunOpened']

const DRY = { dryRun: true } as const
const words = text.acts
const touches = [[...workflowKeys.workflows], [...workflowKeys.executions], [...keys.runs, 'list']]
/** What the contract calls an object of any shape. */
type Free = Record<string, never>
const free = (value: unknown): Free => value as Free

export function createWorkflow(name: string, body: Schemas['NewWorkflow'], done: (made: Workflow) => unknown): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflows', { params: { query }, body })
  return {
    title: words.create(name),
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches,
    // What waits for a person is answered with its run, whose timeline is shown.
    done: (answer) => 'id' in (answer as object) && done(answer as Workflow),
  }
}

/** A new version; refused where there is a newer one than `from`. */
export function saveWorkflow(workflow: Named, document: string, from: number, done: () => void): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/workflows/{id}', { params: { path: { id: workflow.id }, query }, body: { document, from } })
  return {
    title: words.save(workflow.name, from + 1),
    about: words.saveAbout,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches,
    done: (answer) => 'id' in (answer as object) && done(),
  }
}

export function switchTriggers(workflow: Named, enabled: boolean): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflows/{id}/triggers', { params: { path: { id: workflow.id }, query }, body: { enabled } })
  return {
    title: enabled ? words.on(workflow.name) : words.off(workflow.name),
    about: enabled ? words.onAbout : words.offAbout,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches,
  }
}

export function deleteWorkflow(workflow: Named, done: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/workflows/{id}', { params: { path: { id: workflow.id }, query } })
  return {
    title: words.remove(workflow.name),
    about: words.removeAbout,
    danger: true,
    confirm: workflow.name,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    // What is gone is not asked for again before the page is left.
    touches: [[...workflowKeys.workflows, 'list'], [...keys.runs, 'list']],
    done: (answer) => !(answer && typeof answer === 'object' && 'run' in answer) && done(),
  }
}

/** A run with steps has a page of its own in place of the drawer. */
const opening = (open: (runId: string) => void) => (answer: unknown) => {
  liveRun.value = null
  open((answer as Opened).run.id)
}

export function runWorkflow(workflow: Named, input: unknown, open: (runId: string) => void): Act {
  const body = { input: input === undefined ? null : free(input) }
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflows/{id}/execute', { params: { path: { id: workflow.id }, query }, body })
  return { title: words.run(workflow.name), plan: () => plan(call(DRY)), perform: (): Promise<Opened> => data(call()), touches, done: opening(open) }
}

/** How a run is done again: from a step on, or from the beginning; no input means the one it had, no version its own. */
export interface Again {
  step: string | null
  input?: unknown
  version?: number
}

export function forkRun(runId: string, { step, input, version }: Again, open: (runId: string) => void): Act {
  const body = { step, input: input === undefined ? null : free(input), version: version ?? null }
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflow-executions/{id}/fork', { params: { path: { id: runId }, query }, body })
  return {
    title: words.fork(step ?? words.fromBeginning),
    about: words.forkAbout,
    plan: () => plan(call(DRY)),
    perform: (): Promise<Opened> => data(call()),
    touches,
    done: opening(open),
  }
}

/** Lets a run go on by another version; its plan says what becomes of the steps that are left. */
export function moveRun(runId: string, version: number): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflow-executions/{id}/move', { params: { path: { id: runId }, query }, body: { version } })
  return { title: words.move(version), about: words.moveAbout, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

export function sendEvent(runId: string, event: string, brings: unknown): Act {
  const body = { event, data: brings === undefined ? null : free(brings) }
  const call = (query?: typeof DRY) => api.POST('/api/v1/workflow-executions/{id}/events', { params: { path: { id: runId }, query }, body })
  return { title: words.send(event), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [workflowKeys.execution(runId)] }
}
