// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { api } from '@/api/client'
import { useLint } from './useLint'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('asks once typing rests, and calls a text good only when exactly it was checked', async () => {
  const asked: string[] = []
  vi.spyOn(api, 'POST').mockImplementation((async (_path: string, { body }: { body: { document: string } }) => {
    asked.push(body.document)
    return { data: { success: true, data: { ok: body.document === 'good', problems: [] }, meta: {} }, response: new Response() }
  }) as never)
  const document = ref('bad')
  let lint!: ReturnType<typeof useLint>
  mount({ setup: () => ((lint = useLint(document)), () => null) }, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await flushPromises()
  await vi.advanceTimersByTimeAsync(50)
  expect(lint.lint.value?.ok).toBe(false)
  for (const typed of ['g', 'go', 'goo', 'good']) document.value = typed
  expect(lint.isChecking.value).toBe(true)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toEqual(['bad', 'good'])
  expect(lint.isGood.value).toBe(true)
  document.value = 'goods'
  expect(lint.isGood.value).toBe(false)
  document.value = ' '
  expect(lint.isEmpty.value).toBe(true)
})
