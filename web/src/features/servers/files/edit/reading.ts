import type { Schemas } from '@/api/client'
import { TYPED_BYTES } from './text'

type Piece = Schemas['ServerFilePiece']
type Entry = Schemas['ServerFile']

/** What can be shown of a file. */
export type FileRead =
  | { kind: 'text'; text: string; hash: string | null; entry: Entry }
  /** Its beginning alone: the rest is not read by hand. */
  | { kind: 'long'; text: string; entry: Entry }
  | { kind: 'binary'; entry: Entry }

/** Bytes of a file that are read to be shown; a longer one is shown as far as this. */
export const SHOWN_BYTES = TYPED_BYTES
/** A file that is written to all the time is read so often. */
const TRIES = 3

/**
 * Reads a file piece by piece until all of it is there. The pieces are of one and the same content: where it changes in between,
 * it is read anew.
 */
export async function readWhole(piece: (from: number) => Promise<Piece>): Promise<FileRead> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await readOnce(piece)
    if (found !== 'changed') return found
  }
  // A log that grows while it is read.
  return readBeginning(piece)
}

async function readOnce(piece: (from: number) => Promise<Piece>): Promise<FileRead | 'changed'> {
  const first = await piece(0)
  let text = ''
  for (let now = first; ; ) {
    if (typeof now.text !== 'string') return { kind: 'binary', entry: first.file }
    text += now.text
    if (now.next === null || now.next === undefined) {
      if (now.hash !== first.hash || now.file.bytes !== first.file.bytes) return 'changed'
      return { kind: 'text', text, hash: now.hash ?? null, entry: now.file }
    }
    if (now.next >= SHOWN_BYTES) return { kind: 'long', text, entry: now.file }
    now = await piece(now.next)
    if (now.hash !== first.hash) return 'changed'
  }
}

async function readBeginning(piece: (from: number) => Promise<Piece>): Promise<FileRead> {
  const { text, file } = await piece(0)
  return typeof text === 'string' ? { kind: 'long', text, entry: file } : { kind: 'binary', entry: file }
}
