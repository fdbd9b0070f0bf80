import { api, data, plan } from '@/api/client'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/apps/schedules'
import { keyOf, type Home } from './home'
import type { Schedule, ScheduleRun, Settings } from './schedule'

type At = Pick<Home, 'kind' | 'id' | 'name'>
const DRY = { dryRun: true } as const
const touches = (home: At) => [keyOf(home)]
/** Runs that are kept. */
const KEPT = 50

/** The schedules of an app or a server. */
export const readSchedules = ({ kind, id }: At, signal: AbortSignal): Promise<Schedule[]> => {
  const params = { path: { id } }
  return data<Schedule[]>(kind === 'app' ? api.GET('/api/v1/apps/{id}/schedules', { params, signal }) : api.GET('/api/v1/servers/{id}/schedules', { params, signal }))
}

/** How the runs of one went, newest first. */
export const readRuns = ({ kind, id }: At, name: string, signal: AbortSignal): Promise<ScheduleRun[]> => {
  const params = { path: { id, name }, query: { limit: KEPT } }
  return data<ScheduleRun[]>(
    kind === 'app' ? api.GET('/api/v1/apps/{id}/schedules/{name}/runs', { params, signal }) : api.GET('/api/v1/servers/{id}/schedules/{name}/runs', { params, signal }),
  )
}

/** Has the node do something by the clock, or changes when and how. */
export function setSchedule(home: At, name: string, settings: Settings, isNew: boolean, done?: () => void): Act {
  const call = (query?: typeof DRY) => {
    const asked = { params: { path: { id: home.id, name }, query }, body: { settings } }
    return home.kind === 'app' ? api.PUT('/api/v1/apps/{id}/schedules/{name}', asked) : api.PUT('/api/v1/servers/{id}/schedules/{name}', asked)
  }
  const title = isNew ? text.acts.make(name, home.name) : text.acts.change(name, home.name)
  return { title, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(home), done }
}

/** Does it once now. */
export function runSchedule(home: At, { name }: Pick<Schedule, 'name'>, done?: () => void): Act {
  const call = (query?: typeof DRY) => {
    const asked = { params: { path: { id: home.id, name }, query } }
    return home.kind === 'app' ? api.POST('/api/v1/apps/{id}/schedules/{name}/run', asked) : api.POST('/api/v1/servers/{id}/schedules/{name}/run', asked)
  }
  return { title: text.acts.run(name, home.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(home), done }
}

/** Has it done no more; its history goes with it. */
export function removeSchedule(home: At, { name }: Pick<Schedule, 'name'>, done?: () => void): Act {
  const call = (query?: typeof DRY) => {
    const asked = { params: { path: { id: home.id, name }, query } }
    return home.kind === 'app' ? api.DELETE('/api/v1/apps/{id}/schedules/{name}', asked) : api.DELETE('/api/v1/servers/{id}/schedules/{name}', asked)
  }
  return { title: text.acts.remove(name, home.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(home), done }
}
