import { api, data, plan, type Schemas, waits } from '@/api/client'
import { panelKeys } from '@/app/panel/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/templates'

export type Ctrl = Schemas['Ctrl']
export type Alt = Schemas['Alt']
/** A document as the API takes it: judged there. */
export type Document = Record<string, unknown>

const DRY = { dryRun: true } as const
const touches = [panelKeys.templates]
const words = text.acts
const body = (document: Document) => document as Record<string, never>

export function createCtrl(name: string, description: string): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/ctrls', { params: { query }, body: { name, description } })
  return { title: words.createCtrl(name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

export function changeCtrl(ctrl: Pick<Ctrl, 'id' | 'name'>, name: string, description: string): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/ctrls/{id}', { params: { path: { id: ctrl.id }, query }, body: { name, description } })
  return { title: words.changeCtrl(ctrl.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Deletes an empty one. */
export function deleteCtrl(ctrl: Pick<Ctrl, 'id' | 'name'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/ctrls/{id}', { params: { path: { id: ctrl.id }, query } })
  return { title: words.deleteCtrl(ctrl.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** What a new template would do: this is also how it is judged while it is typed. */
export const planNew = (ctrl: string, document: Document) => plan(api.POST('/api/v1/alts', { params: { query: DRY }, body: { ctrlId: ctrl, document: body(document) } }))
export const planChange = (alt: string, document: Document) => plan(api.PUT('/api/v1/alts/{id}', { params: { path: { id: alt }, query: DRY }, body: { document: body(document) } }))

export function createAlt(name: string, ctrl: string, document: Document, made: (alt: Alt) => void): Act {
  return {
    title: words.createAlt(name),
    plan: () => planNew(ctrl, document),
    perform: () => data<Schemas['AltWithDocument'] | Schemas['RunOpened']>(api.POST('/api/v1/alts', { body: { ctrlId: ctrl, document: body(document) } })),
    touches,
    done: (answer) => {
      const told = answer as Schemas['AltWithDocument'] | Schemas['RunOpened']
      if (!waits(told)) made(told.alt)
    },
  }
}

/** Writes the next version; refused where there is a newer one than `from`. */
export function changeAlt(alt: Pick<Alt, 'id' | 'name'>, document: Document, from: number, done: () => void): Act {
  const call = (query?: typeof DRY) => api.PUT('/api/v1/alts/{id}', { params: { path: { id: alt.id }, query }, body: { document: body(document), from } })
  return { title: words.changeAlt(alt.name), about: words.changeAbout, plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}

/** Deletes one that no server uses, with all its versions. */
export function deleteAlt(alt: Pick<Alt, 'id' | 'name'>, done: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/alts/{id}', { params: { path: { id: alt.id }, query } })
  return { title: words.deleteAlt(alt.name), danger: true, confirm: alt.name, plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}
