import { useVirtualizer } from '@tanstack/vue-virtual'
import { useElementSize, useEventListener } from '@vueuse/core'
import { computed, nextTick, ref, watch, type Ref } from 'vue'
import { placeOf, type LogLine } from './line'

/** Height of a row that was not measured, pixels. */
const ROW_PX = 20
/** Rows kept ready above and below. */
const OVERSCAN = 20
/** So near to the end counts as at the end, pixels. */
const NEAR_PX = 24
/** So near to the beginning asks for older lines, pixels. */
const TOP_PX = 400

/**
 * Where one reads in a log. At the end it stays at the end; anywhere else the line one reads stays where it is, whatever is
 * put before, behind, or taken away.
 */
export function useLogPlace(frame: Ref<HTMLElement | null>, lines: Ref<readonly LogLine[]>, wrap: Ref<boolean>, older: () => void) {
  const following = ref(true)
  /** Lines that came while one read elsewhere. */
  const unseen = ref(0)
  const rows = useVirtualizer(
    computed(() => ({
      count: lines.value.length,
      getScrollElement: () => frame.value,
      estimateSize: () => ROW_PX,
      overscan: OVERSCAN,
      getItemKey: (at: number) => lines.value[at]?.sequence ?? at,
    })),
  )
  const shown = computed(() => rows.value.getVirtualItems())

  const toEnd = (): void => {
    following.value = true
    unseen.value = 0
    if (frame.value) frame.value.scrollTop = frame.value.scrollHeight
  }
  /** Puts a line on screen, a third from the top; false where it is not there. */
  function reveal(sequence: number): boolean {
    const at = placeOf(lines.value, sequence)
    if (lines.value[at]?.sequence !== sequence) return false
    following.value = false
    rows.value.scrollToIndex(at, { align: 'center' })
    return true
  }

  let last = 0
  useEventListener(frame, 'scroll', () => {
    const box = frame.value
    if (!box) return
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX
    // Only the reader leaves the end; rows that grow while they are measured do not.
    if (isNear) toSeen()
    else if (box.scrollTop < last) following.value = false
    if (box.scrollTop < TOP_PX && box.scrollTop < last) older()
    last = box.scrollTop
  }, { passive: true })
  const toSeen = (): void => {
    following.value = true
    unseen.value = 0
  }

  watch(lines, (now, before) => {
    const box = frame.value
    if (!box) return
    const anchor = rows.value.getVirtualItemForOffset(box.scrollTop)
    const anchored = anchor ? before[anchor.index]?.sequence : undefined
    const into = anchor ? box.scrollTop - anchor.start : 0
    const lastBefore = before.at(-1)?.sequence
    if (!following.value && lastBefore !== undefined) unseen.value += now.length - placeOf(now, lastBefore + 1)
    void nextTick(() => {
      if (following.value) return toEnd()
      const shifted = now[0]?.sequence !== before[0]?.sequence
      if (!shifted || anchored === undefined) return
      const start = rows.value.measurementsCache[placeOf(now, anchored)]?.start
      if (start !== undefined) box.scrollTop = start + into
    })
  })
  // Rows are measured after they are drawn: the end moves away and is followed.
  watch(
    () => rows.value.getTotalSize(),
    () => following.value && void nextTick(toEnd),
  )
  const { width } = useElementSize(frame)
  watch([width, wrap], () => {
    rows.value.measure()
    if (following.value) void nextTick(toEnd)
  })

  return { rows, shown, following, unseen, toEnd, reveal }
}
