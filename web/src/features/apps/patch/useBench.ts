import { useQuery } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, ref, watch, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { asProblem } from '@/api/problem'
import { changeOf, type Live } from './patchActs'

/** Typing is gathered before the node is asked what it makes of it. */
const GATHER_MS = 400

/** What was begun with a file and is not applied: kept while one looks at others. */
export interface Draft {
  live: Live | null
  typed: string
}
export type Drafts = Map<string, Draft>

/** One file on the bench: as it is live, as it shall be, and what the node says of the difference. */
export function useBench(app: Ref<Schemas['App']>, path: Ref<string>, drafts: Drafts) {
  const read = useQuery({
    queryKey: computed(() => keys.file(app.value.id, path.value, app.value.liveRelease?.id ?? null)),
    queryFn: async (): Promise<Live | null> => {
      try {
        const file = await data<Schemas['FileContent']>(api.GET('/api/v1/apps/{id}/files/content', { params: { path: { id: app.value.id }, query: { path: path.value } } }))
        return { hash: file.hash, text: file.text }
      } catch (error) {
        if (asProblem(error).code === 'patch.no_file') return null
        throw error
      }
    },
  })
  /** What was opened; the text is compared with it even when the file is another one meanwhile. */
  const begun = drafts.get(path.value)
  const live = ref<Live | null | undefined>(begun?.live)
  const typed = ref(begun?.typed ?? '')
  const isNew = computed(() => live.value === null)
  const isTouched = computed(() => live.value !== undefined && typed.value !== (live.value?.text ?? ''))
  const moved = computed(() => live.value !== undefined && read.data.value !== undefined && read.data.value?.hash !== live.value?.hash)
  function take(): void {
    live.value = read.data.value
    typed.value = read.data.value?.text ?? ''
  }
  watch(
    () => read.data.value,
    (now) => {
      if (now === undefined) return
      // What is applied is the live text from then on; what is being typed stays.
      if (!isTouched.value || now?.text === typed.value) take()
    },
    { immediate: true },
  )
  watch([typed, live], () => {
    if (isTouched.value && live.value !== undefined) drafts.set(path.value, { live: live.value, typed: typed.value })
    else drafts.delete(path.value)
  })
  const settled = refDebounced(typed, GATHER_MS)
  const asked = computed(() => (isTouched.value && live.value !== undefined ? { path: path.value, live: live.value, text: settled.value } : null))
  const preview = useQuery({
    queryKey: computed(() => keys.patchPreview(app.value.id, path.value, live.value?.hash ?? 'absent', settled.value)),
    queryFn: () => data<Schemas['PatchPreview']>(api.POST('/api/v1/apps/{id}/patches/preview', { params: { path: { id: app.value.id } }, body: changeOf(asked.value!) })),
    enabled: computed(() => asked.value !== null && settled.value === typed.value),
    gcTime: 0,
    retry: false,
  })
  const shown = computed(() => (isTouched.value && settled.value === typed.value ? (preview.data.value ?? null) : null))
  return { read, live, typed, isNew, isTouched, moved, take, preview, shown }
}
