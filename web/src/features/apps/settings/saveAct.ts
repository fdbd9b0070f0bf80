import type { QueryClient } from '@tanstack/vue-query'
import { api, data, plan, waits, type Plan, type Schemas, type Waits } from '@/api/client'
import { keys } from '@/api/keys'
import { deployApp } from '@/app/acting/appActs'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/apps'
import { note } from '@/ui/notice/notices'
import { changeWords, type Change } from './changes'
import type { Settings } from './form'

type App = Schemas['App']
const DRY = { dryRun: true } as const

/** Saves an app's settings whole, and deploys with them where that is wanted. */
export function saveSettings(client: QueryClient, app: App, settings: Settings, changes: Change[], deploys: boolean, saved: (app: App) => void): Act {
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/apps/{id}', { params: { path: { id: app.id }, query }, body: { settings, from: app.settingsTag } })
  const deploy = deployApp(app)
  return {
    title: deploys ? text.saveAndDeploy : text.saveSettings(app.name),
    about: deploys ? text.aboutSaveAndDeploy : text.aboutSave,
    plan: async () => {
      const [save, build] = await Promise.all([plan(call(DRY)), deploys ? deploy.plan() : null])
      return together(save, build, changes, settings)
    },
    perform: async () => {
      const fresh = await data<App | Waits>(call())
      if (waits(fresh)) return fresh
      client.setQueryData(keys.app(app.id), fresh)
      saved(fresh)
      if (!deploys) note({ tone: 'good', title: text.saved(app.name), fix: text.savedFix })
      return deploys ? deploy.perform() : fresh
    },
    touches: deploy.touches,
  }
}

/** One plan of both: what is saved, line by line, then what the deploy does. */
export function together(save: Plan, build: Plan | null, changes: Change[], settings: Settings): Plan {
  const source = changes.some(({ key }) => key === 'repository' || key === 'reference')
  // The deploy was planned with the settings of now; where it will fetch from is among those that change.
  const steps = build?.steps.map((step, at) => (at === 0 && source ? text.fetchStep(settings.reference ?? null, settings.repository) : step)) ?? []
  return {
    ...save,
    steps: [...changes.map(changeWords), ...steps],
    losses: [...save.losses, ...(build?.losses ?? [])],
    waitsFor: save.waitsFor ?? build?.waitsFor ?? null,
  }
}
