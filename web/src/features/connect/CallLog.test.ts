// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { beforeEach, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import CallLog from './CallLog.vue'
import type { Call } from './calls'

const call: Call = {
  id: '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b',
  userId: '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c',
  tokenId: '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1d',
  client: 'Claude',
  tool: 'deploy',
  digest: 'ab',
  decision: 'allowed',
  untrusted: false,
  durationUs: 1_500,
  at: '2026-11-21T10:00:00.000Z',
  times: 1,
}
const limited: Call = { ...call, id: '0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1e', digest: null, decision: 'limited', code: 'rate.limited', durationUs: 0, times: 312 }

vi.mock('./calls', async (original) => ({
  ...(await original<typeof import('./calls')>()),
  readCalls: () => Promise.resolve({ items: [limited, call], next: undefined }),
}))

beforeEach(() => {
  // A wide window: on a phone it is not said how long a call took.
  vi.stubGlobal('matchMedia', () => ({ matches: true, addEventListener: () => undefined, removeEventListener: () => undefined }))
  vi.stubGlobal('scrollTo', () => undefined)
})

it('says how many calls a row stands for, and nothing of how long they took', async () => {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: CallLog }] })
  const page = mount(CallLog, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }], router] }, attachTo: document.body })
  await flushPromises()
  const said = page.text()
  expect(said).toContain('312 times in ten minutes')
  expect(said).toContain('2 ms')
  expect(said).not.toContain('1 times')
  expect(said).not.toContain('< 1 ms')
  page.unmount()
})
