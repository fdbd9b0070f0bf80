import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { computed, ref, watch, type Ref } from 'vue'
import { api, data } from '@/api/client'

/** A watched node sends a sample each second for a minute; asked again before it is over. */
const ASK_MS = 45_000

/** Lets a node send live samples while somebody looks. A refusal is no failure of the page: its samples come slower. */
export function useWatch(id: Ref<string>, online: Ref<boolean>) {
  const visibility = useDocumentVisibility()
  const looking = computed(() => online.value && visibility.value === 'visible')
  const asked = ref(false)
  async function ask(): Promise<void> {
    if (!looking.value) return
    asked.value = await data(api.POST('/api/v1/nodes/{id}/watch', { params: { path: { id: id.value } } })).then(
      () => true,
      () => false,
    )
  }
  useIntervalFn(() => void ask(), ASK_MS)
  watch(
    [id, looking],
    () => {
      asked.value = false
      void ask()
    },
    { immediate: true },
  )
  return computed(() => asked.value && looking.value)
}
