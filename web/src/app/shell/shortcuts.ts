import { onScopeDispose } from 'vue'
import { useEventListener } from '@vueuse/core'
import { router } from '@/app/router'
import { text } from '@/locales/en/shell'
import { matchKeys, type Pressed } from './keystrokes'
import { pageShortcuts, type Shortcut } from './pageShortcuts'
import { openPalette, openShortcuts, paletteOpen } from './palette'
import { places, rarePlaces } from './places'

/** Those that work everywhere; `?` shows them, the listener below obeys them. Lists have j, k and Enter of their own. */
export const shortcuts: Shortcut[] = [
  { keys: 'mod+k', label: text.keys.palette, run: openPalette },
  { keys: '?', label: text.keys.table, run: openShortcuts },
  { keys: '/', label: text.keys.search, run: () => document.querySelector<HTMLElement>('[data-list-search]')?.focus() },
  { keys: 'c', label: text.keys.newApp, run: () => void router.push('/apps/new') },
  ...[...places, ...rarePlaces].map((place) => ({
    keys: `g ${place.key}`,
    label: text.keys.goTo(place.label),
    run: () => void router.push(place.to),
  })),
]

/** Where keys are letters, or have a meaning of their own. */
const TAKES_KEYS = 'input:not([type=checkbox],[type=radio],[type=button]),textarea,select,[contenteditable]:not([contenteditable=false]),[role=textbox],[role=listbox],[role=option]'
const LIES_OVER = '[role=dialog],[role=alertdialog],[role=menu]'

const isTyping = (event: KeyboardEvent): boolean =>
  event.composedPath().some((element) => element instanceof Element && element.matches(TAKES_KEYS))

/** Obeys the table while the shell is on screen. */
export function listenForShortcuts(): void {
  let before: Pressed | null = null
  const stop = useEventListener('keydown', (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || event.repeat) return
    const key = event.key.toLowerCase()
    if (['shift', 'control', 'alt', 'meta'].includes(key)) return
    if ((event.metaKey || event.ctrlKey) && !event.altKey && key === 'k') {
      // Browsers have a meaning for it too; over a plan that waits for an answer it has none.
      event.preventDefault()
      if (paletteOpen.value) paletteOpen.value = false
      else if (!document.querySelector(LIES_OVER)) openPalette()
      return
    }
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event) || document.querySelector(LIES_OVER)) {
      before = null
      return
    }
    const { found, first } = matchKeys([...pageShortcuts.value, ...shortcuts], before, { key, at: event.timeStamp })
    before = first
    if (!found) return
    event.preventDefault()
    found.run()
  })
  onScopeDispose(stop)
}
