import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/appActs'

const VERBS: Record<string, (name: string) => string> = {
  'app.deploy': text.deploy,
  'app.rollback': (app) => text.rollBack(app),
  'app.start': text.start,
  'app.stop': text.stop,
  'app.restart': text.restart,
  'app.delete': text.remove,
  'server.start': text.start,
  'server.stop': text.stop,
  'server.restart': text.restart,
  'server.delete': text.remove,
  'workflow.run': text.run,
  'workflow.fork': text.runAgain,
}

/** What a run does, with the name of its app, server or workflow where that is known: "Deploy shop", "Run nightly-report". */
export function runTitle(run: Pick<Schemas['Run'], 'action' | 'title' | 'workflowName'>, app: string | undefined): string {
  const name = app ?? run.workflowName
  if (!name) return run.title
  return VERBS[run.action]?.(name) ?? `${run.title}: ${name}`
}

/** The runs that are a workflow's, with steps of their own. */
const OF_WORKFLOWS = new Set(['workflow.run', 'workflow.fork'])

/** Where a run is looked at: what a workflow did has a page that shows its steps. */
export const runPath = (run: Pick<Schemas['Run'], 'id' | 'action'>): string => `${OF_WORKFLOWS.has(run.action) ? '/workflows' : ''}/runs/${run.id}`
