import type { Schemas } from '@/api/client'
import { isUp } from '@/app/states/server'
import { text } from '@/locales/en/panel/servers'
import type { Power } from '../serverActs'

type Server = Pick<Schemas['Server'], 'state' | 'install' | 'suspended' | 'unknownSince'>

/** Why a verb makes no sense now; null where it does. Of a silent machine nobody knows: everything may be asked for. */
export function held(server: Server, verb: Power): string | null {
  const words = text.power
  if (server.unknownSince) return null
  const up = isUp(server)
  if (verb === 'start' || verb === 'restart') {
    if (server.suspended) return words.suspended
    if (server.install !== 'installed' && !up) return words.notInstalled
  }
  if (verb === 'start') return up ? words.isUp : null
  // Its crashes are counted and it may start itself again: that can be ended.
  return up || (server.state === 'error' && verb !== 'restart') ? null : words.isDown
}
