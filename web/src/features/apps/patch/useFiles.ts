import { useInfiniteQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** The files of an app's live release, a page at a time. */
export function useFiles(app: Ref<Schemas['App']>, q: Ref<string>, dependencies: Ref<boolean>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => keys.fileList(app.value.id, { q: q.value, dependencies: dependencies.value, release: app.value.liveRelease?.id ?? null })),
    queryFn: ({ pageParam }) =>
      data<Schemas['FileList']>(
        api.GET('/api/v1/apps/{id}/files', {
          params: { path: { id: app.value.id }, query: { q: q.value || undefined, after: pageParam ?? undefined, dependencies: dependencies.value || undefined } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    enabled: computed(() => !!app.value.liveRelease),
  })
  const files = computed(() => query.data.value?.pages.flatMap((page) => page.files) ?? [])
  return { query, files }
}
