import { computed, ref, watch, type Ref } from 'vue'
import type { LogLine } from './line'
import { holding, nextMatch, patternOf } from './search'

/** A search that goes on while lines arrive: only new lines are looked through again. */
export function useLogSearch(lines: Ref<readonly LogLine[]>) {
  const query = ref('')
  const pattern = computed(() => patternOf(query.value))
  const found = ref<number[]>([])
  /** The line one stands on. */
  const current = ref<number | null>(null)
  const position = computed(() => (current.value === null ? 0 : found.value.indexOf(current.value) + 1))

  watch(pattern, (now) => {
    current.value = null
    found.value = now ? holding(lines.value, now) : []
  })
  watch(lines, (now, before) => {
    if (!pattern.value) return
    const first = now[0]?.sequence
    const last = before.at(-1)?.sequence
    const isTail = before[0] !== undefined && before[0].sequence === first && before.at(-1) === now[before.length - 1]
    if (isTail && last !== undefined) found.value = [...found.value, ...holding(now, pattern.value, before.length)]
    else found.value = holding(now, pattern.value)
  })

  /** Goes to the next line that holds the words; answers its number. */
  function step(by: 1 | -1): number | null {
    current.value = nextMatch(found.value, current.value, by)
    return current.value
  }
  return { query, pattern, found, current, position, step }
}
