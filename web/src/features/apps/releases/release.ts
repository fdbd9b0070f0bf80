import { Archive, Check, CircleDashed, LoaderCircle, Trash2, X } from '@lucide/vue'
import type { Schemas } from '@/api/client'
import type { Shown } from '@/app/states/run'
import { text } from '@/locales/en/apps'

type Release = Schemas['Release']

const STATES: Record<string, Omit<Shown, 'label'>> = {
  building: { tone: 'info', icon: LoaderCircle, moving: true },
  live: { tone: 'good', icon: Check },
  kept: { tone: 'neutral', icon: Archive },
  failed: { tone: 'bad', icon: X },
  gone: { tone: 'neutral', icon: Trash2 },
}

/** How a release is told on screen. */
export function releaseState({ state }: Pick<Release, 'state'>): Shown {
  const words = text.releaseStates as Record<string, string>
  return { label: words[state] ?? state, ...(STATES[state] ?? { tone: 'neutral', icon: CircleDashed }) }
}

/** Steps after which it serves: watching it is not waiting for it. */
const AFTER_LIVE = new Set(['drain', 'watch'])

/** Milliseconds from the order until it served, or until it failed; null where no step is known. */
export function madeIn({ timings }: Pick<Release, 'timings'>): number | null {
  const counted = timings.filter(({ step }) => !AFTER_LIVE.has(step))
  return counted.length ? counted.reduce((sum, { tookMs }) => sum + tookMs, 0) : null
}

/** Whether it can be switched to without building. */
export const isKept = ({ state }: Pick<Release, 'state'>): boolean => state === 'kept'
