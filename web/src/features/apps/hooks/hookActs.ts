import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/traffic/pushes'

type App = Pick<Schemas['App'], 'id' | 'name'>
type Settings = Schemas['HookSettings']
type Made = (made: Schemas['NewHook']) => void

const DRY = { dryRun: true } as const
const touches = (app: App) => [keys.hook(app.id)]

/** Makes the hook; its secret is in the answer alone. */
export function createHook(app: App, made: Made): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/hook', { params: { path: { id: app.id }, query }, body: {} })
  return {
    title: text.acts.create(app.name),
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: touches(app),
    done: (answer) => made(answer as Schemas['NewHook']),
  }
}

/** Changes which pushes deploy the app; it acts for whoever does this. */
export function changeHook(app: App, settings: Settings, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/apps/{id}/hook', { params: { path: { id: app.id }, query }, body: { settings } })
  return { title: text.acts.update(app.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}

/** Makes another secret. */
export function rotateHook(app: App, made: Made): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/hook/rotate', { params: { path: { id: app.id }, query } })
  return {
    title: text.acts.rotate(app.name),
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: touches(app),
    done: (answer) => made(answer as Schemas['NewHook']),
  }
}

/** Deletes the hook with its address and secrets. */
export function removeHook(app: App): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/apps/{id}/hook', { params: { path: { id: app.id }, query } })
  return { title: text.acts.remove(app.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app) }
}

/** Makes the app's own key; its public half is shown. */
export function createKey(app: App): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/deploy-key', { params: { path: { id: app.id }, query } })
  return { title: text.key.acts.create(app.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [keys.deployKey(app.id)] }
}

/** Deletes it: the node's own key is used again. */
export function removeKey(app: App): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/apps/{id}/deploy-key', { params: { path: { id: app.id }, query } })
  return { title: text.key.acts.remove(app.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: [keys.deployKey(app.id)] }
}
