/** Where a card was thrown. */
export type Side = 'right' | 'left' | 'up'

/** A card that is being dragged, or was let go: pixels from where it lay, pixels a millisecond. */
export interface Drag {
  dx: number
  dy: number
  vx: number
  vy: number
}

/** Dragged so far, it counts wherever it is let go: a part of its width, within limits. */
const PART = 0.3
const LEAST_PX = 72
const MOST_PX = 160
/** Thrown this fast, it counts from {@link FLICK_PX} on. */
const FLICK = 0.55
const FLICK_PX = 28
/** What cannot be taken lightly is dragged further, and is not thrown. */
const HEAVY = 1.5

/** Pixels until a drag counts, for a card this wide. */
export const threshold = (width: number, heavy = false): number => Math.min(MOST_PX, Math.max(LEAST_PX, width * PART)) * (heavy ? HEAVY : 1)

/** The side a drag leans to: the longer way wins; down is none. */
export function leaning({ dx, dy }: Pick<Drag, 'dx' | 'dy'>): Side | null {
  if (Math.abs(dx) >= Math.abs(dy)) return dx > 0 ? 'right' : dx < 0 ? 'left' : null
  return dy < 0 ? 'up' : null
}

/** How much of the way is done, 0 to 1: at 1 letting go counts. */
export function progress(drag: Pick<Drag, 'dx' | 'dy'>, width: number, heavy = false): number {
  const side = leaning(drag)
  if (!side) return 0
  const way = side === 'up' ? -drag.dy : Math.abs(drag.dx)
  // To look costs nothing, so it is as easy on every card.
  return Math.min(1, way / threshold(width, heavy && side !== 'up'))
}

/** What letting go means now; null: the card goes back to where it lay. */
export function letGo(drag: Drag, width: number, heavy = false): Side | null {
  const side = leaning(drag)
  if (!side) return null
  const way = side === 'up' ? -drag.dy : Math.abs(drag.dx)
  const speed = side === 'up' ? -drag.vy : drag.vx * Math.sign(drag.dx)
  // Thrown back at the last moment is a change of mind.
  if (speed < -FLICK) return null
  if (progress(drag, width, heavy) >= 1) return side
  return speed >= FLICK && way >= FLICK_PX && !(heavy && side !== 'up') ? side : null
}

/** Where the card is drawn while it is held: up and down it resists, so that it can be seen what it is for. */
export function drawn({ dx, dy }: Pick<Drag, 'dx' | 'dy'>): { x: number; y: number; turn: number } {
  const sideways = Math.abs(dx) >= Math.abs(dy)
  return { x: dx, y: sideways ? dy * 0.2 : dy > 0 ? dy * 0.15 : dy * 0.6, turn: Math.max(-6, Math.min(6, dx / 40)) }
}

/** Points of the way that still count for the speed, milliseconds. */
const RECENT_MS = 90

/** The speed over the last moment, so that one that was held still before it was let go was not thrown. */
export function speed(points: readonly { x: number; y: number; at: number }[], now: number): { vx: number; vy: number } {
  const recent = points.filter(({ at }) => now - at <= RECENT_MS)
  const [first, last] = [recent[0], recent.at(-1)]
  const ms = first && last ? last.at - first.at : 0
  return first && last && ms > 0 ? { vx: (last.x - first.x) / ms, vy: (last.y - first.y) / ms } : { vx: 0, vy: 0 }
}
