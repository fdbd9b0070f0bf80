import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/appActs'

const VERBS: Record<string, (app: string) => string> = {
  'app.deploy': text.deploy,
  'app.rollback': (app) => text.rollBack(app),
  'app.start': text.start,
  'app.stop': text.stop,
  'app.restart': text.restart,
  'app.delete': text.remove,
}

/** What a run does, with the name of its app where that is known: "Deploy shop". */
export function runTitle(run: Pick<Schemas['Run'], 'action' | 'title'>, app: string | undefined): string {
  if (!app) return run.title
  return VERBS[run.action]?.(app) ?? `${run.title}: ${app}`
}

/** The runs that are a workflow's, with steps of their own. */
const OF_WORKFLOWS = new Set(['workflow.run', 'workflow.fork'])

/** Where a run is looked at: what a workflow did has a page that shows its steps. */
export const runPath = (run: Pick<Schemas['Run'], 'id' | 'action'>): string => `${OF_WORKFLOWS.has(run.action) ? '/workflows' : ''}/runs/${run.id}`
