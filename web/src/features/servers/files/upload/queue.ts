/**
 * The queue of uploads as a pure machine: what happened goes in, the queue as it is then comes out, and `due` says what has to be
 * done next. Bytes, requests and clocks are elsewhere.
 */
export type Phase =
  /** Its turn comes. */
  | 'waiting'
  /** It is being ordered. */
  | 'opening'
  /** Ordered; a person has to agree, or its machine is away. */
  | 'held'
  | 'sending'
  | 'paused'
  /** The link was lost; it goes on by itself at `retryAt`. */
  | 'lost'
  /** All bytes are there; the file is being put in its place. */
  | 'finishing'
  | 'done'
  | 'failed'
  /** Begun before the page was loaded: the file has to be chosen again. */
  | 'fileless'

export interface Item {
  /** Of this page; the upload's own id is `upload`. */
  key: string
  path: string
  bytes: number
  /** Bytes that are on the machine. */
  offset: number
  phase: Phase
  upload: string | null
  overwrite: boolean
  /** Lost links in a row. */
  tries: number
  /** Milliseconds, while `lost`. */
  retryAt: number
  /** Why it failed. */
  why: string | null
}
export type Queue = readonly Item[]

/** Uploads under way at the same time. */
export const AT_ONCE = 2
/** Files of one queue. */
export const ITEMS_MAX = 1_000
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 60_000
/** Lost links in a row before it is left to the person. */
export const TRIES_MAX = 12

export type Happening =
  | { kind: 'added'; items: { key: string; path: string; bytes: number; overwrite: boolean }[] }
  /** Unfinished ones that the machine knows of. */
  | { kind: 'known'; items: { upload: string; path: string; bytes: number; offset: number; overwrite: boolean }[] }
  | { kind: 'opening'; key: string }
  | { kind: 'opened'; key: string; upload: string; offset: number }
  | { kind: 'held'; key: string; upload: string }
  /** So many bytes are there now. */
  | { kind: 'sent'; key: string; offset: number }
  | { kind: 'lost'; key: string; at: number }
  | { kind: 'finishing'; key: string }
  | { kind: 'finished'; key: string }
  | { kind: 'failed'; key: string; why: string }
  | { kind: 'pause'; key: string }
  /** By hand: also after a failure. */
  | { kind: 'resume'; key: string }
  /** The file of one without it was chosen again. */
  | { kind: 'attached'; key: string; bytes: number }
  /** Given up, or read and put away. */
  | { kind: 'dropped'; key: string }
  | { kind: 'tick'; at: number }

const BUSY = new Set<Phase>(['opening', 'sending', 'finishing'])
/** One that is held has nothing to pause, one that is put in its place has no bytes to send. */
const UNPAUSED = new Set<Phase>(['held', 'finishing', 'fileless'])
const OVER = new Set<Phase>(['done', 'failed'])
export const isBusy = ({ phase }: Item): boolean => BUSY.has(phase)
export const isOver = ({ phase }: Item): boolean => OVER.has(phase)

/** Milliseconds until the next try after so many lost links. */
export const delayOf = (tries: number): number => Math.min(FIRST_DELAY_MS * 2 ** (tries - 1), MAX_DELAY_MS)

function changed(item: Item, what: Exclude<Happening, { kind: 'added' | 'known' | 'dropped' | 'tick' }>): Item {
  switch (what.kind) {
    case 'opening': return item.phase === 'waiting' ? { ...item, phase: item.upload ? 'sending' : 'opening' } : item
    case 'opened':
      // It was paused while it was being ordered: the answer counts, and it stays paused.
      return { ...item, upload: what.upload, offset: what.offset, phase: item.phase === 'paused' ? 'paused' : 'sending', why: null }
    case 'held': return { ...item, upload: what.upload, phase: 'held' }
    case 'sent': return isOver(item) ? item : { ...item, offset: Math.min(Math.max(what.offset, 0), item.bytes), tries: 0 }
    case 'lost': {
      if (item.phase === 'paused' || isOver(item)) return item
      const tries = item.tries + 1
      if (tries > TRIES_MAX) return { ...item, phase: 'paused', tries: 0 }
      return { ...item, phase: 'lost', tries, retryAt: what.at + delayOf(tries) }
    }
    case 'finishing': return item.phase === 'sending' ? { ...item, phase: 'finishing' } : item
    case 'finished': return { ...item, phase: 'done', offset: item.bytes, why: null }
    case 'failed': return { ...item, phase: 'failed', why: what.why }
    case 'pause': return isOver(item) || UNPAUSED.has(item.phase) ? item : { ...item, phase: 'paused' }
    case 'resume': return item.phase === 'paused' || item.phase === 'failed' || item.phase === 'lost' ? { ...item, phase: 'waiting', tries: 0, why: null } : item
    case 'attached':
      if (item.phase !== 'fileless') return item
      // Another file of that name is none of this one's rest.
      return what.bytes === item.bytes ? { ...item, phase: 'waiting', why: null } : { ...item, why: 'size' }
  }
}

/** The queue after something happened. */
export function after(queue: Queue, what: Happening): Queue {
  switch (what.kind) {
    case 'added': {
      // One that is under way to the same place is that one.
      const known = new Set(queue.filter((item) => !isOver(item)).map(({ path }) => path))
      const fresh = what.items.filter(({ path }) => !known.has(path)).slice(0, Math.max(0, ITEMS_MAX - queue.length))
      return [...queue, ...fresh.map((item): Item => ({ ...item, offset: 0, phase: 'waiting', upload: null, tries: 0, retryAt: 0, why: null }))]
    }
    case 'known': {
      const known = new Set(queue.map(({ upload }) => upload))
      const fresh = what.items.filter(({ upload }) => !known.has(upload)).slice(0, Math.max(0, ITEMS_MAX - queue.length))
      return [...queue, ...fresh.map((item): Item => ({ ...item, key: item.upload, phase: 'fileless', tries: 0, retryAt: 0, why: null }))]
    }
    case 'dropped': return queue.filter(({ key }) => key !== what.key)
    case 'tick': return queue.some((item) => item.phase === 'lost' && item.retryAt <= what.at) ? queue.map((item) => (item.phase === 'lost' && item.retryAt <= what.at ? { ...item, phase: 'waiting' } : item)) : queue
    default: return queue.map((item) => (item.key === what.key ? changed(item, what) : item))
  }
}

/** Those that begin or go on now, in their order. */
export const due = (queue: Queue): Item[] => queue.filter(({ phase }) => phase === 'waiting').slice(0, Math.max(0, AT_ONCE - queue.filter(isBusy).length))

/** When something has to be looked at again; null where nothing waits for a time. */
export const nextTick = (queue: Queue): number | null => queue.reduce<number | null>((least, item) => (item.phase === 'lost' && (least === null || item.retryAt < least) ? item.retryAt : least), null)

export interface Progress {
  bytes: number
  of: number
  open: number
  done: number
  failed: number
}
export function progress(queue: Queue): Progress {
  const sum = (of: (item: Item) => number): number => queue.reduce((all, item) => all + of(item), 0)
  return { bytes: sum(({ offset }) => offset), of: sum(({ bytes }) => bytes), open: queue.filter((item) => !isOver(item)).length, done: queue.filter(({ phase }) => phase === 'done').length, failed: queue.filter(({ phase }) => phase === 'failed').length }
}

const LEAST_PIECE = 256 * 1024
/** Bytes of one request at the most, as the API takes them. */
export const MOST_PIECE = 16 * 1024 * 1024
/** A request shall last about so long: long enough to be worth it, far shorter than what ends it. */
const AIM_MS = 4_000

/** How much the next request carries, after one of `bytes` that took `ms`. */
export function pieceAfter(bytes: number, ms: number): number {
  const wanted = (bytes * AIM_MS) / Math.max(ms, 1)
  // No more than twice as much at once: a link that was quick for a moment may not stay so.
  return Math.round(Math.min(Math.max(Math.min(wanted, bytes * 2), LEAST_PIECE), MOST_PIECE))
}
export const FIRST_PIECE = 1024 * 1024
