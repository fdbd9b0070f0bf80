import { isArchive } from '../paths'
import type { Entry } from './order'

export type Verb = 'download' | 'rename' | 'move' | 'copy' | 'mode' | 'pack' | 'unpack' | 'remove'
/** What each needs. */
export const RIGHTS: Record<Verb, string> = { download: 'file:read', rename: 'file:write', move: 'file:write', copy: 'file:write', mode: 'file:write', pack: 'file:archive', unpack: 'file:archive', remove: 'file:delete' }
type Of = Pick<Entry, 'name' | 'kind' | 'denied'>

const OF_ONE: Verb[] = ['download', 'rename', 'move', 'copy', 'mode', 'pack', 'unpack', 'remove']
const OF_SEVERAL: Verb[] = ['move', 'pack', 'remove']

function takes({ name, kind, denied }: Of, verb: Verb): boolean {
  if (denied) return false
  if (verb === 'unpack') return kind === 'file' && isArchive(name)
  // A link, a pipe or a device is never opened, but it can be put away.
  return kind === 'file' || kind === 'folder' || verb === 'rename' || verb === 'move' || verb === 'remove'
}

/** What can be done with these, by whoever has these rights. */
export const verbsFor = (entries: readonly Of[], may: (permission: string) => boolean): Verb[] =>
  entries.length === 0 ? [] : (entries.length === 1 ? OF_ONE : OF_SEVERAL).filter((verb) => may(RIGHTS[verb]) && entries.every((entry) => takes(entry, verb)))
