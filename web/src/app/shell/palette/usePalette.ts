import { computed, ref, watch, type Ref } from 'vue'
import { useRoute } from 'vue-router'
import { remember, recent } from './recent'
import { rank } from './rank'
import type { Entry, Group } from './entry'
import { useCommands } from './useCommands'
import { useObjects } from './useObjects'

/** Lines under one heading: more would hide the next heading. */
const MAX_IN_GROUP = 8
const MAX_RECENT_SHOWN = 5
/** What the one used last gains over its equals, in points of the ranking. */
const RECENT_BONUS = 14

export interface Section {
  group: Group
  entries: Entry[]
}

/** Under headings, in the order of the best line of each. */
export function sections(ranked: readonly Entry[]): Section[] {
  const byGroup = new Map<Group, Entry[]>()
  for (const entry of ranked) {
    const own = byGroup.get(entry.group)
    if (!own) byGroup.set(entry.group, [entry])
    else if (own.length < MAX_IN_GROUP) own.push(entry)
  }
  return [...byGroup].map(([group, entries]) => ({ group, entries }))
}

/** The palette: what is asked, what answers it, which line is marked. */
export function usePalette(open: Ref<boolean>) {
  const question = ref('')
  const { go, here, general } = useCommands()
  const { all: objects, objects: named, asking } = useObjects(open, question)
  const marked = ref<string | null>(null)
  const route = useRoute()
  // What was looked at is as near at hand as what was chosen here.
  watch(
    () => (route.name && route.params.id ? `${String(route.name)}:${String(route.params.id)}` : null),
    (id) => id && remember(id),
    { immediate: true },
  )

  const everything = computed(() => [...here.value, ...go.value.pages, ...objects.value, ...general.value, ...go.value.tabs])
  const bonus = ({ id }: Entry): number => {
    const at = recent.value.indexOf(id)
    return at < 0 ? 0 : RECENT_BONUS / (at + 1)
  }

  const shown = computed<Section[]>(() => {
    if (question.value.trim()) return sections(rank(question.value, everything.value, bonus))
    const byId = new Map([...named.value, ...objects.value, ...general.value].map((entry) => [entry.id, entry]))
    const lately = recent.value.flatMap((id) => byId.get(id) ?? []).slice(0, MAX_RECENT_SHOWN)
    const isRecent = new Set(lately.map(({ id }) => id))
    return [
      { group: 'here' as const, entries: here.value },
      { group: 'recent' as const, entries: lately },
      { group: 'go' as const, entries: go.value.pages },
      { group: 'do' as const, entries: general.value.filter(({ id }) => !isRecent.has(id)) },
    ].filter(({ entries }) => entries.length > 0)
  })
  const lines = computed(() => shown.value.flatMap(({ entries }) => entries))
  const current = computed(() => lines.value.find(({ id }) => id === marked.value) ?? lines.value[0] ?? null)

  // The best answer is marked while one types; later answers of the control plane don't move the mark.
  watch(question, () => (marked.value = lines.value[0]?.id ?? null), { flush: 'post' })
  watch(open, (isOpen) => {
    if (!isOpen) return
    question.value = ''
    marked.value = null
  })

  function move(by: number): void {
    const count = lines.value.length
    if (count === 0) return
    const at = lines.value.indexOf(current.value!)
    marked.value = lines.value[(at + by + count) % count]!.id
  }
  function choose(entry: Entry | null): void {
    if (!entry || entry.lacks) return
    if (entry.group !== 'here') remember(entry.id)
    open.value = false
    entry.run()
  }
  return { question, shown, lines, current, marked, asking, move, choose }
}
