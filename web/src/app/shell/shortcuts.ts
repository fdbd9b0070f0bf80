import { onScopeDispose } from 'vue'
import { useEventListener } from '@vueuse/core'
import { router } from '@/app/router'
import { openPalette, openShortcuts } from './palette'
import { places, rarePlaces } from './places'

export interface Shortcut {
  /** Keys one after the other, apart by spaces. */
  keys: string
  label: string
  run: () => void
}

/** The one table: `?` shows it, the listener below obeys it. Lists have j, k and Enter of their own. */
export const shortcuts: Shortcut[] = [
  { keys: 'mod+k', label: 'Search or do', run: openPalette },
  { keys: '?', label: 'This table', run: openShortcuts },
  { keys: '/', label: 'Search in this list', run: () => document.querySelector<HTMLElement>('[data-list-search]')?.focus() },
  { keys: 'c', label: 'New app', run: () => void router.push('/apps/new') },
  ...[...places, ...rarePlaces].map((place) => ({
    keys: `g ${place.key}`,
    label: `Go to ${place.label}`,
    run: () => void router.push(place.to),
  })),
]

/** The second key of a pair has to come within so long. */
const PAIR_MS = 1_200

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

/** Obeys the table while the shell is on screen. */
export function listenForShortcuts(): void {
  let first: { key: string; at: number } | null = null
  const stop = useEventListener('keydown', (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented) return
    const key = event.key.toLowerCase()
    if ((event.metaKey || event.ctrlKey) && key === 'k') {
      event.preventDefault()
      return openPalette()
    }
    // Dialogs and menus have the keys while they are open.
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog],[role=menu]')) return
    const pair = first && Date.now() - first.at < PAIR_MS ? `${first.key} ${key}` : null
    const found = shortcuts.find((shortcut) => shortcut.keys === pair) ?? shortcuts.find((shortcut) => shortcut.keys === key)
    first = found ? null : { key, at: Date.now() }
    if (!found) return
    event.preventDefault()
    found.run()
  })
  onScopeDispose(stop)
}
