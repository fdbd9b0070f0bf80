/** How a series of forecasts compares with what happened; all shares 0-1. */
export interface Curve {
  count: number
  good: number
  brier: number
  error: number
  bins: Bin[]
}

export interface Bin {
  predicted: number
  observed: number
  low: number
  high: number
  count: number
}

const NONE: Curve = { count: 0, good: 0, brier: 0, error: 0, bins: [] }

/** Both curves in an answer; what is missing is empty. */
export function curvesOf(found: unknown): { reported: Curve; calibrated: Curve } {
  const { reported, calibrated } = (found ?? {}) as { reported?: Curve; calibrated?: Curve }
  return { reported: { ...NONE, ...reported }, calibrated: { ...NONE, ...calibrated } }
}

export interface Point extends Bin {
  x: number
  y: number
  /** Of its range, from above. */
  top: number
  bottom: number
  radius: number
}

const LEAST_PX = 3
const MOST_PX = 9

/** Points in a square of this many pixels: the more decisions, the larger, by area. */
export function points({ bins }: Pick<Curve, 'bins'>, size: number): Point[] {
  const most = Math.max(1, ...bins.map(({ count }) => count))
  return bins.map((bin) => ({
    ...bin,
    x: bin.predicted * size,
    y: (1 - bin.observed) * size,
    top: (1 - bin.high) * size,
    bottom: (1 - bin.low) * size,
    radius: Math.max(LEAST_PX, Math.sqrt(bin.count / most) * MOST_PX),
  }))
}

export const path = (all: readonly Pick<Point, 'x' | 'y'>[]): string => all.map(({ x, y }, at) => `${at ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')

/** A share as a number of a hundred: 0.834 → "83". */
export const ofHundred = (share: number): string => (Number.isFinite(share) ? String(Math.round(share * 100)) : '–')
