import { onScopeDispose, watch, type Ref } from 'vue'
import { drawn, leaning, letGo, progress, speed, type Side } from '../desk/swipe'

/** A hand is not still: less than this is a tap. */
const SLOP_PX = 8
const BACK_MS = 180
const OUT_MS = 220
/** Points remembered for the speed. */
const MOST_POINTS = 20

const calm = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches

/**
 * Drags a card with mouse, pen or finger. While it moves, nothing of the page is laid out: its transform is written once
 * a frame, and marks are told how far it is by a property of theirs.
 */
export function useSwipe(
  card: Readonly<Ref<HTMLElement | null>>,
  { heavy, lean, thrown }: { heavy: () => boolean; lean: (side: Side | null, share: number) => void; thrown: (side: Side) => void },
): { fling: (side: Side) => void } {
  let from: { id: number; x: number; y: number } | null = null
  let points: { x: number; y: number; at: number }[] = []
  let moved = { dx: 0, dy: 0 }
  let held = false
  let width = 0
  let frame = 0

  const draw = (): void => {
    frame = 0
    if (!card.value || !held) return
    const { x, y, turn } = drawn(moved)
    card.value.style.transform = `translate3d(${x}px,${y}px,0) rotate(${turn}deg)`
    lean(leaning(moved), progress(moved, width, heavy()))
  }
  const down = (event: PointerEvent): void => {
    if (event.button !== 0 || !event.isPrimary || (event.target as Element).closest('a,button,input,textarea,summary')) return
    from = { id: event.pointerId, x: event.clientX, y: event.clientY }
    width = card.value!.offsetWidth
    points = [{ x: event.clientX, y: event.clientY, at: event.timeStamp }]
    moved = { dx: 0, dy: 0 }
  }
  const move = (event: PointerEvent): void => {
    if (event.pointerId !== from?.id) return
    moved = { dx: event.clientX - from.x, dy: event.clientY - from.y }
    points.push({ x: event.clientX, y: event.clientY, at: event.timeStamp })
    if (points.length > MOST_POINTS) points.shift()
    if (!held && Math.hypot(moved.dx, moved.dy) < SLOP_PX) return
    if (!held) {
      held = true
      card.value!.setPointerCapture(event.pointerId)
      getSelection()?.removeAllRanges()
    }
    frame ||= requestAnimationFrame(draw)
  }
  const end = (side: Side | null): void => {
    cancelAnimationFrame(frame)
    frame = 0
    const wasHeld = held
    held = false
    from = null
    lean(null, 0)
    if (!wasHeld || !card.value) return
    if (side) fling(side)
    else if (!calm()) card.value.animate([{ transform: card.value.style.transform }, { transform: 'none' }], { duration: BACK_MS, easing: 'cubic-bezier(.2,.9,.3,1)' })
    card.value.style.transform = ''
    if (side) thrown(side)
  }
  const up = (event: PointerEvent): void => {
    if (event.pointerId !== from?.id) return
    moved = { dx: event.clientX - from.x, dy: event.clientY - from.y }
    end(held ? letGo({ ...moved, ...speed(points, event.timeStamp) }, width, heavy()) : null)
  }
  const cancel = (): void => end(null)

  /** The card is seen to leave, although its place is the next one's already. */
  function fling(side: Side): void {
    const element = card.value
    // Up is only a look at its details: it stays.
    if (!element || side === 'up' || calm()) return
    const ghost = element.cloneNode(true) as HTMLElement
    ghost.setAttribute('aria-hidden', 'true')
    ghost.inert = true
    ghost.dataset.ghost = ''
    Object.assign(ghost.style, { position: 'absolute', inset: '0', zIndex: '20', pointerEvents: 'none' })
    element.parentElement!.append(ghost)
    const way = (side === 'right' ? 1 : -1) * (element.offsetWidth + 160)
    const out = ghost.animate([{ transform: element.style.transform || 'none', opacity: 1 }, { transform: `translate3d(${way}px,24px,0) rotate(${Math.sign(way) * 12}deg)`, opacity: 0 }], { duration: OUT_MS, easing: 'cubic-bezier(.4,0,.7,.2)' })
    out.finished.catch(() => {}).finally(() => ghost.remove())
  }

  const listeners: [string, (event: PointerEvent) => void][] = [['pointerdown', down], ['pointermove', move], ['pointerup', up], ['pointercancel', cancel]]
  const stop = watch(card, (now, before) => {
    for (const [name, listener] of listeners) {
      before?.removeEventListener(name, listener as EventListener)
      now?.addEventListener(name, listener as EventListener)
    }
  }, { immediate: true, flush: 'post' })
  onScopeDispose(() => {
    stop()
    cancelAnimationFrame(frame)
  })
  return { fling }
}
