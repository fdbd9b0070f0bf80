import { api, data, plan, waits, type Schemas, type Waits } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { noteFailure } from '@/app/failure'
import { text } from '@/locales/en/apps'
import { probeWords } from '../settings/changes'
import type { Settings } from '../settings/form'
import { line } from '../settings/words'

const DRY = { dryRun: true } as const

/** Makes an app and deploys it at once. `made` is told its id as soon as it exists, whatever becomes of the deploy. */
export function createApp(wanted: Schemas['NewApp'], found: Schemas['Inspection'], node: string, made: (id: string) => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps', { params: { query }, body: wanted })
  return {
    title: text.createAndDeploy(wanted.name),
    about: text.aboutCreate,
    plan: async () => {
      const planned = await plan(call(DRY))
      return { ...planned, steps: [text.createOn(wanted.name, node), ...deploySteps(wanted.settings, found)] }
    },
    perform: async () => {
      const app = await data<Schemas['App'] | Waits>(call())
      if (waits(app)) return app
      made(app.id)
      try {
        return await data<Schemas['RunOpened']>(api.POST('/api/v1/apps/{id}/deploy', { params: { path: { id: app.id } }, body: {} }))
      } catch (error) {
        // The app is there: its page says so and offers the deploy again, instead of making a second one.
        noteFailure(error)
        return app
      }
    },
    touches: [[...keys.apps, 'list'], [...keys.runs, 'list']],
  }
}

/** What the first deploy does, from what was found and what was set over it. */
export function deploySteps(settings: Settings, { plan, revision }: Schemas['Inspection']): string[] {
  const { build = {}, traffic, health } = settings
  const install = build?.install ?? plan.install
  const make = build?.build ?? plan.build
  const start = build?.start ?? plan.start
  const probe = health?.probe ?? plan.health?.probe
  const isStatic = (build?.builder ?? plan.builder) === 'static'
  const steps = [text.firstSteps.fetch(revision.reference, revision.commit.slice(0, 7), revision.subject)]
  if (install?.length) steps.push(text.firstSteps.install(line(install)))
  if (make?.length) steps.push(text.firstSteps.build(line(make)))
  if (isStatic) steps.push(text.firstSteps.publish(build?.publish ?? plan.publish ?? null))
  else if (start?.length) steps.push(text.firstSteps.start(line(start)))
  steps.push(probe ? text.firstSteps.health(probeWords(probe)) : text.firstSteps.healthy)
  if (traffic?.mode !== 'none') steps.push(text.firstSteps.online(traffic?.port ?? null, traffic?.public ?? false))
  return steps
}
