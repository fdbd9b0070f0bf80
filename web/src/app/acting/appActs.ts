import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/appActs'
import type { Act } from './useAct'

/** What an act has to know of the app it changes. */
export type ActedApp = Pick<Schemas['App'], 'id' | 'name'>
type Opened = Promise<Schemas['RunOpened']>

const DRY = { dryRun: true } as const
const touches = (app: ActedApp) => [keys.app(app.id), [...keys.apps, 'list'], [...keys.runs, 'list']]

/** Builds a revision and switches to it; the app's own reference where nothing is asked for. */
export function deployApp(app: ActedApp, what: { reference?: string; commit?: string } = {}): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/deploy', { params: { path: { id: app.id }, query }, body: what })
  return {
    title: text.deploy(app.name),
    about: text.aboutDeploy,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
  }
}

/** Replaces the process of the live release; nothing is fetched or built. */
export function restartApp(app: ActedApp): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/restart', { params: { path: { id: app.id }, query } })
  return {
    title: text.restart(app.name),
    about: text.aboutRestart,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
  }
}

/** Stops the app; its releases stay. */
export function stopApp(app: ActedApp): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/stop', { params: { path: { id: app.id }, query } })
  return {
    title: text.stop(app.name),
    about: text.aboutStop,
    danger: true,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
  }
}

/** Starts the live release again. */
export function startApp(app: ActedApp): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/start', { params: { path: { id: app.id }, query } })
  return {
    title: text.start(app.name),
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
  }
}

/** Points the app at a release still on its node; the one before the live one where none is named. */
export function rollBackApp(app: ActedApp, release?: Pick<Schemas['Release'], 'id' | 'number'>): Act {
  const body = release ? { releaseId: release.id } : {}
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/rollback', { params: { path: { id: app.id }, query }, body })
  return {
    title: text.rollBack(app.name, release?.number),
    about: text.aboutRollBack,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
  }
}

/** Deletes the app with everything of it on its node. */
export function deleteApp(app: ActedApp, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/apps/{id}', { params: { path: { id: app.id }, query } })
  return {
    title: text.remove(app.name),
    about: text.aboutRemove,
    danger: true,
    confirm: app.name,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: touches(app),
    done,
  }
}
