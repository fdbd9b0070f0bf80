import { useQuery } from '@tanstack/vue-query'
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { fileKeys } from '../keys'
import { clashOf, follow, isTouched, settle, type Choice, type Clash, type Draft, type Drafts } from './draft'
import { readWhole, type FileRead } from './reading'

/** How a write ends that met another file than it was made for. */
const CLASHES = new Set(['file.changed', 'file.exists', 'file.not_found', 'file.is_a_folder'])

/** Reads a file; null where there is none. */
export async function readFile(server: string, path: string, signal?: AbortSignal): Promise<FileRead | null> {
  try {
    return await readWhole((from) => data<Schemas['ServerFilePiece']>(api.GET('/api/v1/servers/{id}/files/content', { params: { path: { id: server }, query: { path, from: from || undefined } }, signal })))
  } catch (error) {
    if (asProblem(error).code === 'file.not_found') return null
    throw error
  }
}

/** One file as it is on its machine, and as it is being typed. `isNew`: it is to be made. */
export function useFile(server: Ref<string>, path: string, drafts: Drafts, isNew: boolean) {
  const query = useQuery({
    queryKey: computed(() => fileKeys.file(server.value, path)),
    queryFn: ({ signal }) => readFile(server.value, path, signal),
    // Whoever reads a file is in the audit: it is read when it is opened, and when it was written.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  const draft = shallowRef<Draft | null>(drafts.get(path) ?? (isNew ? { base: { hash: null, text: '' }, typed: '' } : null))
  const clash = shallowRef<Clash | null>(null)
  const typed = computed({
    get: () => draft.value?.typed ?? '',
    set: (now: string) => draft.value && (draft.value = { ...draft.value, typed: now }),
  })
  const touched = computed(() => draft.value !== null && isTouched(draft.value))
  const saving = ref(false)
  let written: string | null = null
  watch(
    () => query.data.value,
    (now) => {
      if (now === undefined) return
      const next = follow(draft.value, now, written)
      draft.value = next.draft
      clash.value = next.clash
    },
    { immediate: true },
  )
  watch(draft, (now) => (now && isTouched(now) ? drafts.set(path, now) : drafts.delete(path)), { immediate: true })

  /** Looks once more before it is written; answers what may be written, null where somebody has to choose first. */
  async function look(): Promise<Draft | null> {
    const mine = draft.value
    if (!mine) return null
    clash.value = clashOf(mine, await readFile(server.value, path))
    return clash.value ? null : mine
  }
  function choose(choice: Choice): void {
    if (!draft.value || !clash.value) return
    draft.value = settle(draft.value, clash.value, choice)
    clash.value = null
  }
  /** Called as the write is ordered; answers what hears of its end. */
  function begin(text: string): (run: Schemas['Run']) => void {
    saving.value = true
    return (run) => {
      saving.value = false
      if (run.done === 'succeeded') {
        written = text
        // Also where nobody looks at it any more.
        if (drafts.get(path)?.typed === text) drafts.delete(path)
        void query.refetch()
      } else if (CLASHES.has(run.fault?.code ?? '')) void look()
    }
  }
  const discard = (): void => void (draft.value && (draft.value = draft.value.base.hash === null ? null : { ...draft.value, typed: draft.value.base.text }))
  return { query, draft, clash, typed, touched, saving, look, begin, choose, discard }
}
