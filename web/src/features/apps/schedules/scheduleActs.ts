import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/apps/schedules'
import type { Schedule, Settings } from './schedule'

type App = Pick<Schemas['App'], 'id' | 'name'>
const DRY = { dryRun: true } as const
const touches = (app: App) => [keys.schedules(app.id)]

/** Has the app's node run a command by the clock, or changes when and how. */
export function setSchedule(app: App, name: string, settings: Settings, isNew: boolean, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/apps/{id}/schedules/{name}', { params: { path: { id: app.id, name }, query }, body: { settings } })
  const title = isNew ? text.acts.make(name, app.name) : text.acts.change(name, app.name)
  return { title, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}

/** Runs its command once now. */
export function runSchedule(app: App, { name }: Pick<Schedule, 'name'>, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/schedules/{name}/run', { params: { path: { id: app.id, name }, query } })
  return { title: text.acts.run(name, app.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}

/** Has it run no more; its history goes with it. */
export function removeSchedule(app: App, { name }: Pick<Schedule, 'name'>, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/apps/{id}/schedules/{name}', { params: { path: { id: app.id, name }, query } })
  return { title: text.acts.remove(name, app.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}
