import { ref } from 'vue'

export type Side = 'top' | 'right' | 'bottom' | 'left'

/** A hint on screen. */
export interface Hint {
  /** Of the element that holds its words, so that `aria-describedby` finds them. */
  id: string
  text: string
  /** The shortcut that does the same. */
  keys?: string
  side: Side
  /** What it speaks of. */
  anchor: Element
}

/** Before the first hint; from one to its neighbour there is no wait. */
const PATIENCE_MS = 350
/** Long enough to move the pointer from the thing onto its hint. */
const GRACE_MS = 120

/** The one hint that may be on screen. */
export const hint = ref<Hint | null>(null)

let timer: ReturnType<typeof setTimeout> | null = null
const cancel = (): void => {
  if (timer) clearTimeout(timer)
  timer = null
}

export function showHint(next: Hint, patience = hint.value ? 0 : PATIENCE_MS): void {
  cancel()
  timer = setTimeout(() => (hint.value = next), patience)
}

/** The pointer is on the hint itself: it stays. */
export const keepHint = cancel

export function hideHint(grace = GRACE_MS): void {
  cancel()
  timer = setTimeout(() => (hint.value = null), grace)
}

/** Where a hint of a size stands beside its anchor, pushed back into a window, pixels. */
export function placeOf(
  anchor: Pick<DOMRect, 'left' | 'top' | 'right' | 'bottom'>,
  size: { width: number; height: number },
  side: Side,
  window: { width: number; height: number },
): { left: number; top: number } {
  const gap = 6
  const edge = 4
  const middle = { x: (anchor.left + anchor.right - size.width) / 2, y: (anchor.top + anchor.bottom - size.height) / 2 }
  const at = {
    top: { left: middle.x, top: anchor.top - gap - size.height },
    bottom: { left: middle.x, top: anchor.bottom + gap },
    left: { left: anchor.left - gap - size.width, top: middle.y },
    right: { left: anchor.right + gap, top: middle.y },
  }
  const opposite = { top: 'bottom', bottom: 'top', left: 'right', right: 'left' } as const
  const fits = ({ left, top }: { left: number; top: number }): boolean =>
    side === 'top' || side === 'bottom' ? top >= edge && top + size.height <= window.height - edge : left >= edge && left + size.width <= window.width - edge
  const { left, top } = fits(at[side]) || !fits(at[opposite[side]]) ? at[side] : at[opposite[side]]
  return {
    left: Math.max(edge, Math.min(left, window.width - size.width - edge)),
    top: Math.max(edge, Math.min(top, window.height - size.height - edge)),
  }
}
