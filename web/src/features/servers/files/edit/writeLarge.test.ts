import { expect, it, vi } from 'vitest'
import type { Plan, Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import { writeLarge, type Ways } from './writeLarge'

const run = (id: string) => ({ id }) as Schemas['Run']
const problem = (code: string) => new Problem({ code, message: code, status: 409 })
const text = 'ä'.repeat(100_000)
const size = 200_000

function world(more: Partial<Ways> = {}) {
  const told: string[] = []
  let have = 0
  const by: Ways = {
    plan: async () => ({ steps: ['Begin'], losses: ['what is there'], waitsFor: null, decision: {}, guard: {} }) as Plan,
    begin: async (_, body) => (told.push(`begin ${body.bytes} ${body.overwrite}`), { run: run('u') }),
    settled: async ({ id }) => void told.push(`settled ${id}`),
    state: async () => ({ offset: have }) as Schemas['ServerUpload'],
    send: async (_, __, offset, piece) => (told.push(`send ${offset}`), (have = offset + piece.size), { offset: have } as Schemas['ServerUpload']),
    finish: async (_, __, sha256, before) => (told.push(`finish ${sha256?.length} ${before}`), run('f')),
    giveUp: async () => told.push('given up'),
    ...more,
  }
  return { told, by }
}

it('goes up aside, in pieces, and is shown where nothing changed', async () => {
  const { told, by } = world()
  const order = writeLarge('s', { path: 'big.yml', text, before: 'abc' }, by)
  expect(await order.give()).toEqual(run('f'))
  expect(told).toEqual([`begin ${size} true`, 'settled u', 'send 0', 'send 131072', 'finish 64 abc', 'settled f'])
})

it('a new file takes the place of none', async () => {
  const { told, by } = world()
  await writeLarge('s', { path: 'big.yml', text, before: 'absent' }, by).give()
  expect(told[0]).toBe(`begin ${size} false`)
  expect(told).toContain('finish 64 absent')
})

it('says in its plan that nothing else is replaced', async () => {
  const { by } = world()
  const { steps, losses } = await writeLarge('s', { path: 'big.yml', text, before: 'abc' }, by).plan()
  expect(steps).toHaveLength(2)
  expect(losses).toEqual([])
})

it('goes on where the machine says that it stands', async () => {
  const send = vi.fn<Ways['send']>()
  const { told, by } = world()
  send.mockImplementation(by.send)
  send.mockRejectedValueOnce(problem('file.offset'))
  await writeLarge('s', { path: 'a', text, before: 'abc' }, { ...by, send }).give()
  expect(told).toContain('finish 64 abc')
})

it.each(['settled', 'send', 'finish'] as const)('leaves nothing behind where %s fails', async (step) => {
  const { told, by } = world({ [step]: () => Promise.reject(problem('file.quota')) })
  await expect(writeLarge('s', { path: 'a', text, before: 'abc' }, by).give()).rejects.toThrow('file.quota')
  expect(told.at(-1)).toBe('given up')
})

it('gives up what could not be shown, because somebody else was faster', async () => {
  const { told, by } = world({ settled: async ({ id }) => { if (id === 'f') throw problem('file.changed') } })
  expect(await writeLarge('s', { path: 'a', text, before: 'abc' }, by).give()).toEqual(run('f'))
  await vi.waitFor(() => expect(told.at(-1)).toBe('given up'))
})
