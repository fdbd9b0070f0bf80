import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/traffic/previews'
import type { Preview, PreviewSettings } from './preview'

type App = Pick<Schemas['App'], 'id' | 'name'>
const DRY = { dryRun: true } as const
const touches = (app: App) => [keys.previews(app.id), keys.apps]

/** Sets for which branches there are previews; they are served for whoever does this. */
export function configurePreviews(app: App, settings: PreviewSettings | null, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/apps/{id}/previews', { params: { path: { id: app.id }, query }, body: { settings } })
  const title = settings ? text.acts.configure(app.name) : text.acts.off(app.name)
  return { title, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}

/** Makes the preview of a branch, or brings it up to date. */
export function previewBranch(app: App, branch: string, done?: () => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/previews', { params: { path: { id: app.id }, query }, body: { branch } })
  return { title: text.acts.create(branch), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app), done }
}

/** Has one stay for a week from now. */
export function keepPreview(app: App, preview: Preview): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/preview/extend', { params: { path: { id: preview.appId }, query }, body: { days: 7 } })
  return { title: text.acts.extend(preview.branch), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app) }
}

/** Deletes one, as every app is deleted. */
export function removePreview(app: App, preview: Preview): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/apps/{id}', { params: { path: { id: preview.appId }, query } })
  return { title: text.acts.remove(preview.branch), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(app) }
}
