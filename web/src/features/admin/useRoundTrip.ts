import { useIntervalFn } from '@vueuse/core'
import { ref } from 'vue'

/** How often it is measured while the page is seen. */
const EVERY_MS = 10_000
const TIMEOUT_MS = 5_000

/** Milliseconds a small request takes there and back; null where nobody answers. */
export function useRoundTrip() {
  const tripMs = ref<number | null>()
  async function measure(): Promise<void> {
    if (document.visibilityState !== 'visible') return
    const began = performance.now()
    const answered = await fetch('/api/v1/setup', { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
      (response) => response.status < 500,
      () => false,
    )
    tripMs.value = answered ? performance.now() - began : null
  }
  useIntervalFn(() => void measure(), EVERY_MS, { immediateCallback: true })
  return { tripMs, measure }
}
