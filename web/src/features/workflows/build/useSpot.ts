import { computed, ref, watch } from 'vue'
import { text } from '@/locales/en/workflow/canvas'
import type { Spot } from '../document/edits'
import { absent, type Item } from '../document/outline'
import type { Builder } from './useBuilder'

const nameOf = (one: Item): string => one.title || one.id || text.nameless

/** Where the next step goes: where somebody said, else by what is chosen, else to the end. */
export function useSpot({ blocks, items, byKey, drawn, item, selected, selectedLink }: Builder) {
  const wanted = ref<Spot | null>(null)
  const main = computed(() => blocks.value.find(({ role }) => role === 'steps') ?? absent('steps', ['steps']))
  const spot = computed<Spot>(() => {
    const link = drawn.value.links.find(({ key }) => key === selectedLink.value)
    const [from, to] = link ? [byKey.value.get(link.from), byKey.value.get(link.to)] : []
    return wanted.value ?? (from && to ? { from, to } : item.value ? { after: item.value } : { block: main.value })
  })
  // What is chosen counts again; and after a change the steps that were meant are others.
  watch([selected, selectedLink, items], () => (wanted.value = null))

  /** Before it is done: where what is pressed goes. */
  const where = computed(() => {
    const at = spot.value
    if ('after' in at) return text.palette.after(nameOf(at.after))
    return 'from' in at ? text.palette.between(nameOf(at.from), nameOf(at.to)) : at.block.role === 'steps' ? text.palette.end : text.palette.into(text.blockLabel(at.block.role, at.block.condition))
  })
  /** Once it is done, for whoever does not see it happen. */
  function added(made: Item, at: Spot): string {
    const place = 'after' in at ? text.palette.behind(nameOf(at.after)) : 'from' in at ? text.palette.amid(nameOf(at.from), nameOf(at.to)) : at.block.role === 'steps' ? text.palette.last : text.palette.inside(text.blockLabel(at.block.role, at.block.condition))
    return text.palette.added(nameOf(made), place)
  }
  return { wanted, main, spot, where, added }
}
