import { beforeEach, expect, it, vi } from 'vitest'
import type { Act } from '@/app/acting/useAct'

const planned = { steps: ['They take effect with its next start'], losses: [] as string[], waitsFor: null, decision: {}, guard: {} }
const run = { id: 'r' }
const call = vi.fn(async (_path: string, how: { params: { query?: { dryRun?: boolean } } }) => ({
  data: { success: true, data: how.params.query?.dryRun ? { plan: planned } : { run }, meta: {} },
  response: new Response(),
}))
vi.mock('@/api/client', async (original) => ({ ...(await original<object>()), api: { POST: call, PUT: call, PATCH: call, DELETE: call } }))
const acts = await import('./serverActs')

const server = { id: 's', name: 'lobby', generation: 7 }
const port = { id: 'p', place: 'play.example.org:25565' }
const person = { id: 'u', name: 'Kim' }
beforeEach(() => void call.mockClear())

const all: [string, Act, string, object | undefined][] = [
  ['start', acts.power(server, 'start'), '/api/v1/servers/{id}/power', { verb: 'start' }],
  ['kill', acts.power(server, 'kill'), '/api/v1/servers/{id}/power', { verb: 'kill' }],
  ['install', acts.installServer(server), '/api/v1/servers/{id}/install', undefined],
  ['wipe', acts.reinstallServer(server, true), '/api/v1/servers/{id}/reinstall', { wipe: true }],
  ['suspend', acts.suspendServer(server, true), '/api/v1/servers/{id}/suspend', undefined],
  ['unsuspend', acts.suspendServer(server, false), '/api/v1/servers/{id}/unsuspend', undefined],
  ['delete', acts.deleteServer(server), '/api/v1/servers/{id}', undefined],
  ['give any port', acts.givePort(server, null), '/api/v1/servers/{id}/allocations', {}],
  ['give a port', acts.givePort(server, port), '/api/v1/servers/{id}/allocations', { allocationId: 'p' }],
  ['take a port', acts.takePort(server, port), '/api/v1/servers/{id}/allocations/{allocation}', undefined],
  ['first port', acts.firstPort(server, port), '/api/v1/servers/{id}/allocations/{allocation}/default', undefined],
  ['give access', acts.giveAccess(server, person, { permissions: ['server:view'] }, () => {}), '/api/v1/users/{id}/grants', { permissions: ['server:view'], object: { kind: 'server', id: 's' } }],
]
it.each(all)('%s is planned before it is done', async (_, act, path, body) => {
  await act.plan()
  expect(call.mock.calls[0]![0]).toBe(path)
  expect(call.mock.calls[0]![1]).toMatchObject({ params: { query: { dryRun: true } } })
  expect((call.mock.calls[0]![1] as { body?: object }).body).toEqual(body)
  await act.perform()
  expect(call.mock.calls[1]![1].params.query).toBeUndefined()
})

it('a run of power is told beside the console and not over it', async () => {
  const answer = await acts.power(server, 'start').perform()
  expect(answer).toEqual({ opened: run })
  expect(acts.openedBy(answer)).toBe(run)
  expect(acts.openedBy(undefined)).toBeNull()
})

it('a change says what differs first, and from which generation it was made', async () => {
  const act = acts.changeServer(server, { settings: {} }, ['Set MOTD to Hello'])
  expect((await act.plan()).steps).toEqual(['Set MOTD to Hello', ...planned.steps])
  expect(call.mock.calls[0]![1]).toMatchObject({ body: { settings: {}, from: 7 } })
})

it('what loses files wants the name typed', () => {
  expect(acts.deleteServer(server)).toMatchObject({ danger: true, confirm: 'lobby' })
  expect(acts.reinstallServer(server, true).confirm).toBe('lobby')
  expect(acts.reinstallServer(server, false).confirm).toBeUndefined()
})
