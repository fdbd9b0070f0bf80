import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { watch } from 'vue'
import { api } from '@/api/client'

const DAY = 24 * 60
/** How far back a course is looked at, minutes. */
export const RANGES = { '15m': 15, '1h': 60, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '1y': 365 * DAY } as const
export type Range = keyof typeof RANGES

/** A node sends every second for a minute after it was asked; it is asked anew well before that is over. */
const ASK_EVERY_MS = 45_000

/** Asks a node for metrics by the second while the page is looked at; null asks nobody. */
export function useWatched(node: () => string | null): void {
  const visibility = useDocumentVisibility()
  const ask = (): void => {
    const id = node()
    // Without it the usual samples go on coming; nothing is worth a word.
    if (id && visibility.value === 'visible') api.POST('/api/v1/nodes/{id}/watch', { params: { path: { id } } }).catch(() => {})
  }
  useIntervalFn(ask, ASK_EVERY_MS)
  watch([node, visibility], ask, { immediate: true })
}
