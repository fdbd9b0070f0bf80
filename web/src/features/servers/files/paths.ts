/**
 * Paths below a server's folder, as the API writes them: `/` between names, none at the ends, the folder itself empty. What is no
 * plain text in a name stands as `\xHH`, a backslash as `\\`; so nothing that is shown can act, and `/` is never part of a name.
 */
export const join = (folder: string, name: string): string => (folder ? `${folder}/${name}` : name)
export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Whether it is this folder or in it. */
export const isWithin = (path: string, folder: string): boolean => folder === '' || path === folder || path.startsWith(`${folder}/`)

/** What stands in the address as a path; anything may. */
export const tidy = (found: unknown): string => (typeof found === 'string' ? found.split('/').filter(Boolean).join('/') : '')

export interface Crumb {
  name: string
  path: string
}

/** The folders on the way to a path and the path itself; the server's own folder is not among them. */
export function crumbsOf(path: string): Crumb[] {
  const names = path.split('/').filter(Boolean)
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join('/') }))
}

/** A stretch of a name; `isByte`: it stands for what cannot be shown. */
export interface Piece {
  text: string
  isByte: boolean
}

const ESCAPED = /((?:\\x[0-9a-f]{2})+)|\\\\/g

/** A name in pieces to be shown: what stands for bytes is told from letters that only look so. */
export function piecesOf(name: string): Piece[] {
  const pieces: Piece[] = []
  const add = (text: string): void => {
    const last = pieces.at(-1)
    if (!text) return
    if (last && !last.isByte) last.text += text
    else pieces.push({ text, isByte: false })
  }
  let from = 0
  for (const found of name.matchAll(ESCAPED)) {
    add(name.slice(from, found.index))
    if (found[1]) pieces.push({ text: found[1], isByte: true })
    else add('\\')
    from = found.index + found[0].length
  }
  add(name.slice(from))
  return pieces
}

/** Bytes of one name at the most, on every file system there is. */
export const NAME_BYTES = 255
/** Bytes of a path. */
export const PATH_BYTES = 4000
// What the node refuses as well: control characters and those that turn or hide their neighbours.
// eslint-disable-next-line no-control-regex
const DECEPTIVE = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

export type NameProblem = 'empty' | 'slash' | 'dots' | 'long' | 'unseen' | 'backslash'

/** Why nothing new can be called so; null where it can. */
export function nameProblem(name: string): NameProblem | null {
  if (!name) return 'empty'
  if (name.includes('/')) return 'slash'
  if (name === '.' || name === '..') return 'dots'
  if (DECEPTIVE.test(name)) return 'unseen'
  if (name.includes('\\')) return 'backslash'
  return new TextEncoder().encode(name).length > NAME_BYTES ? 'long' : null
}

/** Why a path that was typed leads nowhere; null where it may. An existing folder in it may have any name. */
export function pathProblem(path: string): NameProblem | null {
  const names = path.replace(/^\/+|\/+$/g, '').split('/')
  if (names.length === 1 && names[0] === '') return null
  for (const name of names) {
    if (name === '') return 'empty'
    const problem = nameProblem(name)
    if (problem && problem !== 'backslash') return problem
  }
  return new TextEncoder().encode(path).length > PATH_BYTES ? 'long' : null
}

const ARCHIVE = /\.(zip|tar\.gz|tgz|tar)$/i

/** Whether its name is that of an archive that can be unpacked. */
export const isArchive = (name: string): boolean => ARCHIVE.test(name)

/** A name that nothing of `taken` has: `a.txt`, `a (2).txt`. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  const dot = name.search(/\.tar\.gz$/i) > 0 ? name.search(/\.tar\.gz$/i) : name.lastIndexOf('.')
  const [head, tail] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  for (let at = 2; ; at++) {
    const next = `${head} (${at})${tail}`
    if (!taken.has(next)) return next
  }
}

function bytesOfName(name: string): number[] {
  const bytes: number[] = []
  const add = (text: string): void => void bytes.push(...new TextEncoder().encode(text))
  for (const { text, isByte } of piecesOf(name)) {
    if (isByte) bytes.push(...text.slice(2).split('\\x').map((digits) => Number.parseInt(digits, 16)))
    else add(text)
  }
  return bytes
}

/** A name that stands right before this one in the order of bytes, so that a list `after` it begins here. */
export function justBefore(name: string): string {
  const bytes = bytesOfName(name)
  const last = bytes.pop()
  if (last === undefined) return ''
  // Nothing has a `/` in it, and nothing ends in NUL.
  const lower = last === 0x30 ? 0x2e : last - 1
  const all = lower > 0 ? [...bytes, lower, ...(bytes.length < NAME_BYTES - 1 ? [0xff] : [])] : bytes
  return all.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
