import { beforeEach, expect, it, vi } from 'vitest'

const planned = { steps: ['`box` gets 2 ports'], losses: [] as string[], waitsFor: null, decision: {}, guard: {} }
const call = vi.fn(async (_path: string, _how: unknown) => ({ data: { success: true, data: { plan: planned }, meta: {} }, response: new Response() }))
vi.mock('@/api/client', async (original) => ({ ...(await original<object>()), api: { POST: call, DELETE: call } }))
const { addPorts, removePort } = await import('./portActs')
const node = { id: 'n', name: 'box' }
beforeEach(() => void call.mockClear())

it('ports are planned before they are added', async () => {
  const act = addPorts(node, { ports: '25565, 25570-25580' }, () => {})
  await act.plan()
  expect(call.mock.calls[0]).toEqual(['/api/v1/nodes/{id}/allocations', { params: { path: { id: 'n' }, query: { dryRun: true } }, body: { ports: '25565, 25570-25580' } }])
  await act.perform()
  expect(call.mock.calls[1]![1]).toMatchObject({ params: { query: undefined } })
})

it('removing names the port', async () => {
  const act = removePort(node, { id: 'p', place: '0.0.0.0:25565' })
  expect(act).toMatchObject({ danger: true })
  await act.perform()
  expect(call.mock.calls[0]![1]).toEqual({ params: { path: { id: 'n', allocation: 'p' }, query: undefined } })
})
