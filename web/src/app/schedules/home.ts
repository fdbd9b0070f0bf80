import type { Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { placeOf, type Place } from '@/app/me'
import { placeOfServer } from '@/app/panel/servers'

/** An app or a server that has schedules, as far as they need it. */
export interface Home {
  kind: 'app' | 'server'
  id: string
  name: string
  place: Place
  /** Its node can keep one: it has a release, or files. */
  isReady: boolean
  /** Times are left out as long as it is so. */
  rests: boolean
}

export const ofApp = (app: Pick<Schemas['App'], 'id' | 'name' | 'nodeId' | 'projectId' | 'liveRelease' | 'desired'>): Home => ({
  kind: 'app',
  id: app.id,
  name: app.name,
  place: placeOf(app),
  isReady: !!app.liveRelease,
  rests: app.desired === 'stopped',
})

export const ofServer = (server: Pick<Schemas['Server'], 'id' | 'name' | 'nodeId' | 'projectId' | 'install' | 'suspended'>): Home => ({
  kind: 'server',
  id: server.id,
  name: server.name,
  place: placeOfServer(server),
  isReady: server.install !== 'missing',
  rests: server.suspended,
})

/** Where they are in the query cache: what is told of an app or a server makes them stale. */
export const keyOf = ({ kind, id }: Pick<Home, 'kind' | 'id'>) => (kind === 'app' ? keys.schedules(id) : ([...keys.server(id), 'schedules'] as const))
