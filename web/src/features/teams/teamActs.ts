import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/teams'

export type Team = Schemas['Team']
export type Made = Schemas['NewTeam']
type Change = Schemas['ChangeTenant']
const DRY = { dryRun: true } as const
const touches = [[...keys.teams]]
const isMade = (answer: unknown): answer is Made => typeof answer === 'object' && answer !== null && 'link' in answer

/** What is made tells a link, once. */
const telling = (told: (made: Made) => void) => (answer: unknown) => {
  if (isMade(answer)) told(answer)
}

export function createTeam(name: string, owner: string, told: (made: Made) => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/tenants', { params: { query }, body: { name, owner } })
  return { title: text.createAct(name), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done: telling(told) }
}

export function inviteOwner(team: Team, owner: string, told: (made: Made) => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/tenants/{id}/invite', { params: { path: { id: team.id }, query }, body: { owner } })
  return { title: text.inviteOf(team.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches, done: telling(told) }
}

function change(team: Team, body: Change, words: Pick<Act, 'title' | 'about' | 'danger'>): Act {
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/tenants/{id}', { params: { path: { id: team.id }, query }, body })
  return { ...words, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

export const renameTeam = (team: Team, name: string): Act => change(team, { name }, { title: text.renameAct(team.name, name) })
export const suspendTeam = (team: Team, reason: string): Act =>
  change(team, { suspended: true, reason }, { title: text.suspendOf(team.name), about: text.suspendAbout, danger: true })
export const resumeTeam = (team: Team): Act => change(team, { suspended: false }, { title: text.resumeOf(team.name) })
