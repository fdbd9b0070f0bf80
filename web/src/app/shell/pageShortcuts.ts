import { computed, onScopeDispose, shallowReactive, toValue, type MaybeRefOrGetter } from 'vue'

export interface Shortcut {
  /** Keys one after the other, apart by spaces: `g n`; together by a plus: `mod+k`. */
  keys: string
  label: string
  run: () => void
}

const sets = shallowReactive<MaybeRefOrGetter<Shortcut[]>[]>([])

/** What the pages open now have of their own; the last one opened first. */
export const pageShortcuts = computed(() => sets.toReversed().flatMap((set) => toValue(set)))

/** Shortcuts of one page: they work while it is open, and `?` shows them. A getter follows what the page can do right now. */
export function usePageShortcuts(shortcuts: MaybeRefOrGetter<Shortcut[]>): void {
  sets.push(shortcuts)
  onScopeDispose(() => {
    const at = sets.indexOf(shortcuts)
    if (at >= 0) sets.splice(at, 1)
  })
}
