import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/apps/files'
import { between } from './between'

export type Effect = 'restart' | 'hup' | 'usr1' | 'usr2' | 'nothing'
type PatchedApp = Pick<Schemas['App'], 'id' | 'name'>
type Opened = Promise<Schemas['RunOpened']>
const DRY = { dryRun: true } as const

/** A file as it was read: `null` where it is to be made. */
export interface Live {
  hash: string
  text: string
}

/** What becomes of a file: another text, or nothing. */
export interface Wanted {
  path: string
  live: Live | null
  /** `null`: it goes. */
  text: string | null
}

/** The change as the API takes it: bound to what was looked at, and only the part that differs. */
export function changeOf({ path, live, text: after }: Wanted) {
  const before = live?.hash ?? 'absent'
  return after === null ? { path, before, delete: true } : { path, before, ...between(live?.text ?? '', after) }
}

/** Changes a file of the live release. */
export function patchApp(app: PatchedApp, wanted: Wanted, how: { effect: Effect; acceptBroken: boolean }, done: () => void): Act {
  const body = { ...changeOf(wanted), ...how }
  const call = (query?: typeof DRY) => api.POST('/api/v1/apps/{id}/patches', { params: { path: { id: app.id }, query }, body })
  const isGone = wanted.text === null
  return {
    title: (isGone ? text.acts.remove : text.acts.apply)(wanted.path, app.name),
    about: text.acts.about,
    danger: isGone,
    plan: () => plan(call(DRY)),
    perform: (): Opened => data(call()),
    touches: [keys.app(app.id), [...keys.apps, 'list'], [...keys.runs, 'list'], keys.files(app.id)],
    done,
  }
}
