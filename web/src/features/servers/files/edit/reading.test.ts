import { expect, it, vi } from 'vitest'
import type { Schemas } from '@/api/client'
import { readWhole, SHOWN_BYTES } from './reading'

const file = (bytes: number): Schemas['ServerFile'] => ({ name: 'a', kind: 'file', bytes, mode: '644', modifiedAt: '2026-01-01T00:00:00Z', links: 1, denied: false })
const piece = (text: string | null, next: number | null, hash: string | null = 'h', bytes = 6): Schemas['ServerFilePiece'] => ({ text, base64: text === null ? 'AA==' : null, next, hash, file: file(bytes) })

it('joins the pieces', async () => {
  const read = vi.fn(async (from: number) => (from === 0 ? piece('abc', 3) : piece('def', null)))
  expect(await readWhole(read)).toMatchObject({ kind: 'text', text: 'abcdef', hash: 'h' })
  expect(read.mock.calls).toEqual([[0], [3]])
})

it('reads anew what changed in between', async () => {
  const hashes = ['one', 'two', 'two', 'two']
  const read = async (from: number) => piece(from === 0 ? 'abc' : 'def', from === 0 ? 3 : null, hashes.shift()!)
  expect(await readWhole(read)).toMatchObject({ kind: 'text', text: 'abcdef', hash: 'two' })
})

it('a file that never holds still is shown as far as it goes, and cannot be taken for whole', async () => {
  let at = 0
  expect(await readWhole(async (from) => piece('abc', from === 0 ? 3 : null, `${at++}`))).toMatchObject({ kind: 'long', text: 'abc' })
})

it('is binary when any piece of it is', async () => {
  expect((await readWhole(async (from) => (from === 0 ? piece('abc', 3) : piece(null, null)))).kind).toBe('binary')
  expect((await readWhole(async () => piece(null, 3))).kind).toBe('binary')
})

it('stops at what is shown at the most', async () => {
  const read = vi.fn(async (from: number) => piece('x'.repeat(32_768), from + 32_768, null, 1 << 30))
  const found = await readWhole(read)
  expect(found.kind).toBe('long')
  expect(read).toHaveBeenCalledTimes(SHOWN_BYTES / 32_768)
})

it('an empty file is text', async () => expect(await readWhole(async () => piece('', null, 'e', 0))).toMatchObject({ kind: 'text', text: '', hash: 'e' }))
