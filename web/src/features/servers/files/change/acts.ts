import type { Schemas } from '@/api/client'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/files'
import { join } from '../paths'
import { fits } from '../edit/text'
import { writeLarge } from '../edit/writeLarge'
import * as orders from './orders'
import type { Work } from './useWork'

type Track = (title: Work['title'], run: Schemas['Run']) => Promise<Schemas['Run']>
const words = text.acts

/** The changes of one server's files as acts: planned first, then ordered, then followed to their end. */
export function actsOf(server: string, track: Track) {
  const make = (title: string, all: orders.Order[], more: Partial<Act> = {}): Act => orders.act(all, { title, ...more, opened: (run) => void track(title, run) })
  return {
    makeFolder: (path: string, name: string) => make(words.folder(name), [orders.makeFolder(server, path)]),
    rename: (folder: string, from: string, to: string) => make(words.rename(from, to), [orders.rename(server, join(folder, from), join(folder, to))]),
    copy: (folder: string, name: string, to: string) => make(words.copy(name, to), [orders.copy(server, join(folder, name), to)]),
    move: (folder: string, names: string[], to: string) => make(words.move(names, to), names.map((name) => orders.rename(server, join(folder, name), join(to, name)))),
    mode: (folder: string, name: string, mode: string) => make(words.mode(name, mode), [orders.setMode(server, join(folder, name), mode)]),
    pack: (folder: string, names: string[], into: string) => make(words.pack(names, into), [orders.pack(server, { folder, names, into: join(folder, into) })]),
    unpack: (folder: string, name: string, into: string, replace: boolean) => make(words.unpack(name), [orders.unpack(server, { path: join(folder, name), into, replace })]),
    remove: (folder: string, names: string[], done?: () => void) =>
      make(words.remove(names), orders.pieces(names.map((name) => join(folder, name)), orders.PATHS_MAX).map((some) => orders.remove(server, some)), { about: words.removeAbout, danger: true, done }),
    /** `begun` hears that it was ordered and answers what hears of its end: a file that was changed meanwhile is told then. */
    write: (path: string, name: string, isNew: boolean, body: { text: string; before: string }, begun: () => (run: Schemas['Run']) => void): Act => {
      const title = isNew ? words.create(name) : words.write(name)
      // What does not fit into one order goes up in pieces, and takes the place of what was opened all the same, and of nothing else.
      const order = fits(body.text) ? orders.write(server, { path, ...body }) : writeLarge(server, { path, ...body })
      return orders.act([order], { title, opened: (run) => void track(title, run).then(begun()) })
    },
  }
}
export type Acts = ReturnType<typeof actsOf>
