import { useElementSize, useEventListener } from '@vueuse/core'
import { computed, nextTick, onUpdated, ref, shallowRef, watch, type Ref } from 'vue'
import { Heights } from './heights'
import { placeOf, type LogLine } from './line'

/** Height of a row that was not measured, pixels: one line of text. */
const ROW_PX = 20
/** Rows kept ready above and below. */
const OVERSCAN = 12
/** So near to the end counts as at the end, pixels. */
const NEAR_PX = 24
/** So near to the beginning asks for older lines, pixels. */
const TOP_PX = 400

/**
 * Where one reads in a log. At the end it stays at the end; anywhere else the line one reads stays where it is, whatever is
 * put before, behind, taken away, or turns out higher than guessed.
 */
export function useLogPlace(
  frame: Ref<HTMLElement | null>,
  lines: Ref<readonly LogLine[]>,
  { wrap, isLive, older }: { wrap: Ref<boolean>; /** What comes now is new, not read from store. */ isLive: () => boolean; /** The beginning is near. */ older: () => void },
) {
  const following = ref(true)
  /** Lines that came while one read elsewhere. */
  const unseen = ref(0)
  const heights = new Heights(ROW_PX)
  const measured = new Map<number, number>()
  const { width, height } = useElementSize(frame)
  const top = ref(0)
  /** Raised whenever a height changes. */
  const version = ref(0)
  /** The line at the upper edge, and how far it reaches beyond it. */
  let anchor: { sequence: number; into: number } | null = null

  const total = computed(() => (void version.value, heights.above(heights.count)))
  const range = computed(() => {
    void version.value
    const from = Math.max(0, heights.at(top.value) - OVERSCAN)
    const to = Math.min(lines.value.length, heights.at(top.value + (height.value || 600)) + 1 + OVERSCAN)
    return { from, to, start: heights.above(from) }
  })
  const shown = shallowRef<readonly LogLine[]>([])
  watch([range, lines], ([{ from, to }]) => (shown.value = lines.value.slice(from, to)), { immediate: true })

  function restore(): void {
    const box = frame.value
    if (!box) return
    if (following.value) box.scrollTop = box.scrollHeight
    else if (anchor) {
      const wanted = heights.above(placeOf(lines.value, anchor.sequence)) + anchor.into
      if (Math.abs(box.scrollTop - wanted) > 1) box.scrollTop = wanted
    }
    top.value = box.scrollTop
  }
  /** Measures what is drawn, all in one go. */
  onUpdated(() => {
    const rows = frame.value?.querySelectorAll<HTMLElement>('[data-line]')
    if (!rows) return
    let changed = false
    for (const row of rows) {
      const sequence = Number(row.dataset.line)
      const real = row.offsetHeight
      if (real === 0) continue
      measured.set(sequence, real)
      changed = heights.set(placeOf(lines.value, sequence), real) || changed
    }
    if (!changed) return
    version.value++
    void nextTick(restore)
  })

  watch(
    lines,
    (now, before) => {
      const last = before?.at(-1)?.sequence
      if (!following.value && isLive() && last !== undefined) unseen.value += now.length - placeOf(now, last + 1)
      heights.reset(now.length, (at) => measured.get(now[at]!.sequence))
      version.value++
      void nextTick(restore)
    },
    { immediate: true, flush: 'sync' },
  )
  watch([width, wrap], () => {
    measured.clear()
    heights.reset(lines.value.length, () => undefined)
    version.value++
    void nextTick(restore)
  })
  watch(height, () => void nextTick(restore))

  useEventListener(
    frame,
    'scroll',
    () => {
      const box = frame.value
      if (!box) return
      const up = box.scrollTop < top.value - 1
      top.value = box.scrollTop
      const at = heights.at(top.value)
      anchor = lines.value[at] ? { sequence: lines.value[at].sequence, into: top.value - heights.above(at) } : null
      // Only the reader leaves the end; rows that grow while they are measured do not.
      if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX) seen()
      else if (up) following.value = false
      if (up && box.scrollTop < TOP_PX) older()
    },
    { passive: true },
  )
  const seen = (): void => {
    following.value = true
    unseen.value = 0
  }

  const toEnd = (): void => {
    seen()
    restore()
  }
  /** Puts a line on screen, a third from the top; false where it is not there. */
  function reveal(sequence: number): boolean {
    const at = placeOf(lines.value, sequence)
    if (lines.value[at]?.sequence !== sequence) return false
    following.value = false
    anchor = { sequence, into: -Math.round(height.value / 3) }
    restore()
    return true
  }
  return { shown, range, total, following, unseen, toEnd, reveal }
}
