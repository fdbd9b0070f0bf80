import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/acting'
import type { Act } from './useAct'

const DRY = { dryRun: true } as const

/** Stops a run; what was true before stays true. */
export function stopRun(run: Pick<Schemas['Run'], 'id'>): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/runs/{id}/cancel', { params: { path: { id: run.id }, query } })
  return {
    title: text.stop,
    danger: true,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [keys.run(run.id), [...keys.runs, 'list']],
  }
}
