import { useInfiniteQuery, keepPreviousData } from '@tanstack/vue-query'
import { computed, type ComputedRef, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Page } from '@/api/client'

/**
 * A filter that lives in the URL, so that it survives a reload and can be shared: `const q = useUrlValue('q')`.
 * The default is not written.
 */
export function useUrlValue<T extends string = string>(name: string, fallback: T = '' as T): WritableComputedRef<T> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => (typeof route.query[name] === 'string' ? (route.query[name] as T) : fallback),
    set: (value) => {
      const query = { ...route.query }
      if (value === fallback) delete query[name]
      else query[name] = value
      void router.replace({ query, hash: route.hash })
    },
  })
}

/** A paged list of the API, page after page as it is scrolled; what is shown stays while a filter changes. */
export function useListing<T>(
  queryKey: () => readonly unknown[],
  read: (after: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
) {
  const query = useInfiniteQuery({
    queryKey: computed(queryKey),
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    // An end that names a page that was read already would be no end.
    getNextPageParam: (last, _pages, _param, read) => (last.next && !read.includes(last.next) ? last.next : undefined),
    placeholderData: keepPreviousData,
  })
  const items: ComputedRef<T[]> = computed(() => query.data.value?.pages.flatMap((page) => page.items) ?? [])
  const loading = computed(() => query.isPending.value || query.isFetchingNextPage.value)
  const more = computed(() => query.hasNextPage.value)
  /** Nothing could be read and nothing is there to show. */
  const failed = computed(() => (query.isError.value && items.value.length === 0 ? query.error.value : null))
  return { items, loading, more, failed, next: () => void query.fetchNextPage(), again: () => query.refetch() }
}
