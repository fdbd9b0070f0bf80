import { expect, it, vi } from 'vitest'
import { Problem } from '@/api/problem'
import type { Egg } from './entry'
import { EGG_BYTES, readEgg } from './readEgg'

const egg = { format: 'PTDL_v2' } as Egg
const file = (bytes: Uint8Array | string) => {
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
  return { size: all.length, arrayBuffer: async () => all.slice().buffer as ArrayBuffer }
}

it('asks the control plane about what is in it', async () => {
  const judge = vi.fn(async () => egg)
  expect(await readEgg(file('\uFEFF{"meta": 1}'), judge)).toEqual({ kind: 'read', egg })
  expect(judge).toHaveBeenCalledWith('{"meta": 1}')
})

it.each([
  ['empty', file(''), /empty/],
  ['no UTF-8', file(new Uint8Array([0x7b, 0xff, 0x7d])), /UTF-8/],
  ['too large', { size: EGG_BYTES + 1, arrayBuffer: async () => new ArrayBuffer(0) }, /4\.0 MB/],
  ['gone', { size: 5, arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotFoundError')) }, /cannot read/],
])('%s is said, and nobody is asked', async (_, one, words) => {
  const judge = vi.fn(async () => egg)
  const read = await readEgg(one, judge)
  expect(read.kind === 'refused' && read.why.message).toMatch(words)
  expect(read.kind === 'refused' && read.why.fix).not.toBe('')
  expect(judge).not.toHaveBeenCalled()
})

it('says what the control plane refused, and whether asking again helps', async () => {
  const no = await readEgg(file('{}'), () => Promise.reject(new Problem({ code: 'alt.no_egg', message: 'This is no egg.', fix: 'Choose another.', status: 422 })))
  expect(no).toEqual({ kind: 'refused', why: { message: 'This is no egg.', fix: 'Choose another.' }, passing: false })
  const away = await readEgg(file('{}'), () => Promise.reject(new TypeError('fetch')))
  expect(away).toMatchObject({ kind: 'refused', passing: true })
})
