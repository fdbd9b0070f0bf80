import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/team'

type Acted = Pick<Schemas['Person'], 'id' | 'name' | 'email'>
const DRY = { dryRun: true } as const
const words = text.person
const touches = [[...keys.people], ['activity']]

/** Refuses them everywhere, until they are reinstated. */
export function suspendPerson(person: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/suspend', { params: { path: { id: person.id }, query } })
  return { title: words.suspend(person.name), about: words.suspendAbout, danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Lets somebody suspended in again. */
export function reinstatePerson(person: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/reinstate', { params: { path: { id: person.id }, query } })
  return { title: words.reinstate(person.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Ends all of their sessions; tokens stay. */
export function signOutPerson(person: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/sign-out', { params: { path: { id: person.id }, query } })
  return { title: words.signOut(person.name), about: words.signOutAbout, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Takes their second factor away, for who has lost it. */
export function resetFactors(person: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/reset-factors', { params: { path: { id: person.id }, query } })
  return { title: words.resetFactors(person.name), about: words.resetFactorsAbout, danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches }
}

/** Removes somebody for good. */
export function removePerson(person: Acted, done: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/users/{id}', { params: { path: { id: person.id }, query } })
  return {
    title: words.remove(person.name),
    about: words.removeAbout,
    danger: true,
    confirm: person.email,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [[...keys.people, 'list'], ['activity']],
    done,
  }
}

/** Gives somebody a role or permissions at an object. */
export function giveRight(person: Acted, given: Schemas['NewGrant'], what: string, done: () => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/grants', { params: { path: { id: person.id }, query }, body: given })
  return { title: text.grants.giveTitle(what, person.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [[...keys.people], keys.roles, keys.me], done }
}

/** Takes one of these back. */
export function withdrawRight(person: Acted, grant: Pick<Schemas['Grant'], 'id'>, what: string, where: string): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/users/{id}/grants/{grant}', { params: { path: { id: person.id, grant: grant.id }, query } })
  return {
    title: text.grants.withdrawOne(what, where),
    about: text.grants.withdrawAbout,
    danger: true,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [[...keys.people], keys.roles, keys.me],
  }
}
