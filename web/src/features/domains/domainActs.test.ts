import { beforeEach, expect, it, vi } from 'vitest'
import type { Domain } from '@/app/domains/domain'
import { text } from '@/locales/en/traffic/domains'

const planned = { steps: ['Write a configuration'], losses: [] as string[], waitsFor: null, decision: {}, guard: {} }
const call = vi.fn(async (_path: string, _how: unknown) => ({ data: { success: true, data: { plan: planned }, meta: {} }, response: new Response() }))
vi.mock('@/api/client', async (original) => ({ ...(await original<object>()), api: { POST: call, PUT: call, DELETE: call } }))
const { addDomain, askAgain, changeDomain, removeDomain } = await import('./domainActs')

const domain = { id: 'd', domain: 'a.example', settings: { aliases: ['b.example'], tls: { certificate: 'acme' } }, certificate: { state: 'valid', names: [] } } as unknown as Domain
const lastCall = () => call.mock.calls.at(-1)!
beforeEach(() => call.mockClear())

it('a new domain is planned before it is made, and a promise to browsers is said', async () => {
  const act = addDomain({ app: 'shop', domain: 'a.example', settings: { tls: { certificate: 'acme', hsts: true } } }, () => {})
  expect(act.about).toBe(text.acts.aboutHsts)
  await act.plan()
  expect(lastCall()).toEqual(['/api/v1/proxies', { params: { query: { dryRun: true } }, body: { appId: 'shop', domain: 'a.example', settings: { tls: { certificate: 'acme', hsts: true } } } }])
  await act.perform()
  expect(lastCall()[1]).toMatchObject({ params: { query: undefined } })
})

it('a change tells its differences before what the node does', async () => {
  const plan = await changeDomain(domain, domain.settings, ['Serve plain HTTP alone']).plan()
  expect(plan.steps).toEqual(['Serve plain HTTP alone', 'Write a configuration'])
})

it('asking again is the same settings once more', async () => {
  await askAgain(domain).perform()
  expect(lastCall()).toEqual(['/api/v1/proxies/{id}', { params: { path: { id: 'd' }, query: undefined }, body: { settings: domain.settings } }])
})

it('removing wants the name typed', () => {
  expect(removeDomain(domain, () => {})).toMatchObject({ danger: true, confirm: 'a.example' })
})
