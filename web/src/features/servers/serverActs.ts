import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/servers'

export type Server = Schemas['Server']
export type Power = Schemas['PowerVerb']
type Acted = Pick<Server, 'id' | 'name'>

const DRY = { dryRun: true } as const
const words = text.acts
const touches = ({ id }: Acted) => [keys.server(id), [...keys.servers, 'list'], [...keys.runs, 'list']]

/** What an order opened, for the page of its server: it is told there, beside the console, and not over it. */
export interface Opened {
  opened: Schemas['Run']
}
const beside = async (call: Promise<Schemas['RunOpened']>): Promise<Opened> => ({ opened: (await call).run })
export const openedBy = (answer: unknown): Schemas['Run'] | null => (answer as Partial<Opened> | null)?.opened ?? null

/** Makes a server; where that waits for a person, its run is answered. */
export function createServer(wanted: Schemas['NewServer'], made: (server: Server) => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers', { params: { query }, body: wanted })
  return {
    title: words.create(wanted.name),
    plan: () => plan(call(DRY)),
    perform: () => data<Server | Schemas['RunOpened']>(call()),
    touches: [[...keys.servers, 'list'], [...keys.runs, 'list'], [...keys.nodes]],
    done: (answer) => {
      if (!('run' in (answer as object))) made(answer as Server)
    },
  }
}

/** Starts, stops, restarts or kills it. */
export function power(server: Acted, verb: Power): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/power', { params: { path: { id: server.id }, query }, body: { verb } })
  return {
    title: words.power[verb](server.name),
    about: words.powerAbout[verb],
    danger: verb === 'kill' || verb === 'stop',
    plan: () => plan(call(DRY)),
    perform: () => beside(data(call())),
    touches: touches(server),
  }
}

/** Changes what lasts; it takes effect with the next start. `from`: the generation the change was made from. */
export function changeServer(server: Acted & Pick<Server, 'generation'>, change: Omit<Schemas['ChangeServer'], 'from'>, lines: string[], done?: () => void): Act {
  const body = { ...change, from: server.generation }
  const call = (query?: typeof DRY) => api.PATCH('/api/v1/servers/{id}', { params: { path: { id: server.id }, query }, body })
  return {
    title: words.change(server.name),
    plan: async () => {
      const told = await plan(call(DRY))
      return { ...told, steps: [...lines, ...told.steps] }
    },
    perform: () => data(call()),
    touches: touches(server),
    done,
  }
}

/** Runs the install script for the first time. */
export function installServer(server: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/install', { params: { path: { id: server.id }, query } })
  return { title: words.install(server.name), plan: () => plan(call(DRY)), perform: () => beside(data(call())), touches: touches(server) }
}

/** Runs it again; with `wipe` every file is deleted before. */
export function reinstallServer(server: Acted, wipe: boolean): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/reinstall', { params: { path: { id: server.id }, query }, body: { wipe } })
  return {
    title: wipe ? words.wipe(server.name) : words.reinstall(server.name),
    about: wipe ? words.wipeAbout : words.reinstallAbout,
    danger: true,
    confirm: wipe ? server.name : undefined,
    plan: () => plan(call(DRY)),
    perform: () => beside(data(call())),
    touches: touches(server),
  }
}

/** Keeps it stopped, whoever asks; or lets it be started again. */
export function suspendServer(server: Acted, on: boolean): Act {
  const init = (query?: typeof DRY) => ({ params: { path: { id: server.id }, query } })
  const call = (query?: typeof DRY) => (on ? api.POST('/api/v1/servers/{id}/suspend', init(query)) : api.POST('/api/v1/servers/{id}/unsuspend', init(query)))
  return {
    title: on ? words.suspend(server.name) : words.unsuspend(server.name),
    about: on ? words.suspendAbout : undefined,
    danger: on,
    plan: () => plan(call(DRY)),
    perform: () => beside(data(call())),
    touches: touches(server),
  }
}

/** Kills it and deletes everything of it. */
export function deleteServer(server: Acted): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/servers/{id}', { params: { path: { id: server.id }, query } })
  return {
    title: words.remove(server.name),
    about: words.removeAbout,
    danger: true,
    confirm: server.name,
    plan: () => plan(call(DRY)),
    perform: () => beside(data(call())),
    touches: touches(server),
  }
}

/** Deletes its rows though its machine is silent. */
export function forgetServer(server: Acted, done: () => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/forget', { params: { path: { id: server.id }, query } })
  return {
    title: words.forget(server.name),
    about: words.forgetAbout,
    danger: true,
    confirm: server.name,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [[...keys.servers, 'list'], [...keys.runs, 'list']],
    done,
  }
}

/** Gives it one more port: the named one, or the lowest free one. */
export function givePort(server: Acted, port: Pick<Schemas['Allocation'], 'id' | 'place'> | null): Act {
  const body = port ? { allocationId: port.id } : {}
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/allocations', { params: { path: { id: server.id }, query }, body })
  return { title: port ? words.givePort(server.name, port.place) : words.giveAny(server.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [...touches(server), [...keys.nodes]] }
}

export function takePort(server: Acted, port: Pick<Schemas['Allocation'], 'id' | 'place'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/servers/{id}/allocations/{allocation}', { params: { path: { id: server.id, allocation: port.id }, query } })
  return { title: words.takePort(server.name, port.place), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: [...touches(server), [...keys.nodes]] }
}

export function firstPort(server: Acted, port: Pick<Schemas['Allocation'], 'id' | 'place'>): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/servers/{id}/allocations/{allocation}/default', { params: { path: { id: server.id, allocation: port.id }, query } })
  return { title: words.firstPort(server.name, port.place), plan: () => plan(call(DRY)), perform: () => data(call()), touches: touches(server) }
}

/** Gives somebody rights at this server. */
export function giveAccess(server: Acted, person: Pick<Schemas['Person'], 'id' | 'name'>, given: Omit<Schemas['NewGrant'], 'object'>, done: () => void): Act {
  const body = { ...given, object: { kind: 'server', id: server.id } }
  const call = (query?: typeof DRY) => api.POST('/api/v1/users/{id}/grants', { params: { path: { id: person.id }, query }, body })
  return { title: words.giveAccess(person.name, server.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [keys.people, keys.roles, keys.me], done }
}

/** Asks somebody who has no account yet to join, with rights at this server alone; `made` hears of the link, which is shown once. */
export function inviteTo(server: Acted, email: string, given: Omit<Schemas['NewInvitation'], 'email' | 'object'>, made: (invitation: Schemas['InvitationMade']) => void): Act {
  const body = { ...given, email, object: { kind: 'server', id: server.id } }
  const call = (query?: typeof DRY) => api.POST('/api/v1/invitations', { params: { query }, body })
  return {
    title: words.inviteTo(email, server.name),
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [keys.people, keys.invitations],
    done: (answer) => {
      const told = answer as Schemas['InvitationMade'] | Schemas['RunOpened']
      if ('link' in told) made(told)
    },
  }
}

/** Its link opens nothing any more. */
export function takeInvitation(server: Acted, { id, email }: Pick<Schemas['Invitation'], 'id' | 'email'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/invitations/{id}', { params: { path: { id }, query } })
  return { title: words.takeInvitation(email, server.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: [keys.invitations] }
}

export function takeAccess(server: Acted, person: Pick<Schemas['Person'], 'id' | 'name'>, grant: Pick<Schemas['Grant'], 'id'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/users/{id}/grants/{grant}', { params: { path: { id: person.id, grant: grant.id }, query } })
  return { title: words.takeAccess(person.name, server.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: [keys.people, keys.roles, keys.me] }
}
