// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { api } from '@/api/client'
import { useJournal } from './useJournal'

afterEach(() => vi.restoreAllMocks())

it('reads all pages, and of a run that goes on what is new alone', async () => {
  const asked: (string | undefined)[] = []
  let recorded = 5
  const PAGE = 2
  vi.spyOn(api, 'GET').mockImplementation((async (_path: string, { params }: { params: { query: { after?: string } } }) => {
    const { after } = params.query
    asked.push(after)
    const first = Number(after ?? 0) + 1
    const items = Array.from({ length: Math.max(0, Math.min(PAGE, recorded - first + 1)) }, (_, at) => ({ seq: first + at, at: '2026-01-01T00:00:00Z', facts: [] }))
    const next = first + PAGE <= recorded ? String(items.at(-1)!.seq) : null
    return { data: { success: true, data: items, meta: { page: { next } } }, response: new Response() }
  }) as never)
  const grown = ref(0)
  let journal!: ReturnType<typeof useJournal>
  mount({ setup: () => ((journal = useJournal(() => 'run', () => grown.value)), () => null) }, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  await vi.waitFor(() => expect(journal.entries.value.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]))
  expect(asked).toEqual([undefined, '2', '4'])
  recorded = 6
  grown.value++
  await vi.waitFor(() => expect(journal.entries.value).toHaveLength(6))
  expect(asked.slice(3)).toEqual(['5'])
  grown.value++
  await flushPromises()
  expect(journal.entries.value).toHaveLength(6)
})
