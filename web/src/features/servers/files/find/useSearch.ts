import { onScopeDispose, ref, shallowRef } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { failure, type Failure } from '@/app/failure'

export interface Wanted {
  folder: string
  name: string
  content: string
  regex: boolean
}
export type SearchState = 'idle' | 'searching' | 'cancelled' | 'done'

/** One search at a time; it is asked for by hand, and ended by hand. */
export function useSearch(server: () => string) {
  const state = ref<SearchState>('idle')
  const found = shallowRef<Schemas['ServerFileMatches'] | null>(null)
  const failed = shallowRef<Failure | null>(null)
  let asked: AbortController | null = null

  async function search({ folder, name, content, regex }: Wanted): Promise<void> {
    asked?.abort()
    const mine = (asked = new AbortController())
    state.value = 'searching'
    found.value = failed.value = null
    const query = { path: folder || undefined, name: name || undefined, text: content || undefined, regex: (content && regex) || undefined }
    try {
      const matches = await data<Schemas['ServerFileMatches']>(api.GET('/api/v1/servers/{id}/files/search', { params: { path: { id: server() }, query }, signal: mine.signal }))
      if (asked !== mine) return
      found.value = matches
      state.value = 'done'
    } catch (error) {
      if (asked !== mine || mine.signal.aborted) return
      failed.value = failure(error)
      state.value = 'idle'
    }
  }
  function cancel(): void {
    if (state.value !== 'searching') return
    asked?.abort()
    state.value = 'cancelled'
  }
  onScopeDispose(() => asked?.abort())
  return { state, found, failed, search, cancel }
}
