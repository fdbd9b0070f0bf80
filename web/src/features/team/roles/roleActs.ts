import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/team'
import { changeOf, type Draft } from './draft'

type Role = Schemas['Role']
const DRY = { dryRun: true } as const
const words = text.roles
const touches = [[...keys.roles], [...keys.people], keys.me]

/** Makes a role of the team's own. */
export function createRole(draft: Draft, done: (answer: unknown) => void): Act {
  const body = { name: draft.name.trim(), description: draft.description.trim(), permissions: draft.permissions }
  const call = (query?: typeof DRY) => api.POST('/api/v1/roles', { params: { query }, body })
  return { title: words.createTitle(body.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}

/** Changes a role for everybody who has it. */
export function updateRole(role: Role, draft: Draft, done: (answer: unknown) => void): Act {
  const body = changeOf(role, draft)
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/roles/{id}', { params: { path: { id: role.id }, query }, body })
  return { title: words.updateTitle(role.title), about: words.affects(role.people), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done }
}

/** Deletes a role that nobody has. */
export function deleteRole(role: Role): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/roles/{id}', { params: { path: { id: role.id }, query } })
  return { title: words.remove(role.title), about: words.removeAbout, danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}
