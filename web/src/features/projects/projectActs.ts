import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/projects'

type Project = Schemas['Project']
const DRY = { dryRun: true } as const
const touches = [[...keys.projects]]

export function createProject(name: string): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/projects', { params: { query }, body: { name } })
  return { title: text.createAct(name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

export function renameProject(project: Project, name: string): Act {
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/projects/{id}', { params: { path: { id: project.id }, query }, body: { name } })
  return { title: text.renameAct(project.name, name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Deletes one that has nothing left in it. */
export function deleteProject(project: Project): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/projects/{id}', { params: { path: { id: project.id }, query } })
  return { title: text.removeOf(project.name), about: text.removeAbout, danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}
