import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed, watch, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { fileKeys } from '../keys'
import { justBefore } from '../paths'
import type { Entry } from './order'

/** A folder with so many entries is read whole, and can be sorted. */
export const WHOLE_ENTRIES = 2_000
/** Pages that are held at once; then one goes on from the last name. About 10,000 entries. */
const MAX_PAGES = 50
const PER_PAGE = 200
/** Rereading more than this is left to the person: each page is a walk through the folder. */
const FEW_PAGES = WHOLE_ENTRIES / 100

/** A folder, page by page; `from`: it begins at this name. */
export function useFolder(server: Ref<string>, path: Ref<string>, from: Ref<string>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => fileKeys.folder(server.value, path.value, from.value)),
    queryFn: ({ pageParam, signal, queryKey: [, id, , folder, begin] }) =>
      data<Schemas['ServerFolder']>(
        api.GET('/api/v1/servers/{id}/files', { params: { path: { id }, query: { path: folder || undefined, after: pageParam || justBefore(begin) || undefined, limit: PER_PAGE } }, signal }),
      ),
    initialPageParam: '',
    getNextPageParam: (last, read) => (last.next && read.length < MAX_PAGES ? last.next : undefined),
    refetchOnWindowFocus: (one) => (one.state.data?.pages.length ?? 0) <= FEW_PAGES,
  })
  const pages = computed(() => query.data.value?.pages ?? [])
  const entries = computed<Entry[]>(() => {
    // Names that were made while pages were read may be on two of them.
    const known = new Map<string, Entry>()
    for (const { entries: some } of pages.value) for (const entry of some) known.set(entry.name, entry)
    return [...known.values()]
  })
  const total = computed(() => pages.value.at(-1)?.total ?? 0)
  /** All of it is here. */
  const whole = computed(() => pages.value.length > 0 && !from.value && !pages.value.at(-1)!.next)
  /** It is small enough to be read to its end by itself. */
  const small = computed(() => !from.value && total.value <= WHOLE_ENTRIES)
  /** The last name, where no more is held at once. */
  const rest = computed(() => (pages.value.length >= MAX_PAGES ? (pages.value.at(-1)?.next ?? null) : null))
  watch(
    [() => query.hasNextPage.value, () => query.isFetching.value, small],
    ([more, busy, isSmall]) => {
      if (more && !busy && isSmall && !query.isError.value) void query.fetchNextPage()
    },
    { immediate: true },
  )
  /** Where a list has to begin so that this name is on it. */
  const beginOf = (name: string): string => {
    const at = pages.value.findIndex(({ entries: some }) => some.some((entry) => entry.name === name))
    return String(query.data.value?.pageParams[Math.max(at, 0)] || from.value)
  }
  return { query, entries, total, whole, small, rest, beginOf }
}
