import { ref } from 'vue'

/** The run whose live timeline lies over the page; null while none does. */
export const liveRun = ref<string | null>(null)

/** Opens a run's live timeline over the page. */
export const showRun = (id: string): void => {
  liveRun.value = id
}
