import type { Entry } from '../browse/order'
import { freeName, isWithin, join, nameOf, nameProblem, parentOf, pathProblem, type NameProblem } from '../paths'

/** What a form asks for: something new, one entry's name or place, or what several of them go into. */
export type OfPath = { kind: 'newFile' } | { kind: 'newFolder' } | { kind: 'rename'; entry: Entry } | { kind: 'copy'; entry: Entry } | { kind: 'move'; entries: Entry[] }
export type OfArchive = { kind: 'pack'; entries: Entry[] } | { kind: 'unpack'; entry: Entry }
export type Asked = OfPath | OfArchive | { kind: 'mode'; entry: Entry }

/** What stands in its field when it opens. */
export function begin(asked: OfPath, folder: string, taken: ReadonlySet<string>): string {
  switch (asked.kind) {
    case 'rename': return asked.entry.name
    case 'copy': return join(folder, freeName(asked.entry.name, taken))
    case 'move': return folder
    default: return ''
  }
}

export type Trouble = NameProblem | 'there' | 'same' | 'sameFolder' | 'inItself'
const trimmed = (path: string): string => path.trim().replace(/^\/+|\/+$/g, '')

/** What can be said of the field without asking the machine; null where it may be asked. */
export function trouble(asked: OfPath, typed: string, folder: string, taken: ReadonlySet<string>): Trouble | null {
  if (asked.kind === 'move') {
    const to = trimmed(typed)
    const problem = pathProblem(to)
    if (problem) return problem
    if (to === folder) return 'sameFolder'
    return asked.entries.some(({ name, kind }) => kind === 'folder' && isWithin(to, join(folder, name))) ? 'inItself' : null
  }
  if (asked.kind === 'copy') {
    const to = trimmed(typed)
    if (!to) return 'empty'
    return pathProblem(to) ?? nameProblem(nameOf(to)) ?? (parentOf(to) === folder && taken.has(nameOf(to)) ? 'there' : null)
  }
  // A name that is not plain may be kept, and is not given anew.
  if (asked.kind === 'rename' && typed === asked.entry.name) return 'same'
  return nameProblem(typed.trim()) ?? (taken.has(typed.trim()) ? 'there' : null)
}

/** The field as the API takes it. */
export const target = trimmed
