const DAY_MS = 86_400_000

/** A certificate's life as shares of it, 0 to 1: how much is over, and where the next one is asked for. */
export interface Validity {
  over: number
  renewal: number | null
  /** Whole days; null once it is over. */
  daysLeft: number | null
}

/** Times in milliseconds since 1970. */
export function validity({ from, until, next, now }: { from: number; until: number; next: number | null; now: number }): Validity {
  const life = Math.max(1, until - from)
  const share = (at: number): number => Math.min(1, Math.max(0, (at - from) / life))
  return {
    over: share(now),
    // The next try after a renewal that failed may be any moment: it is no mark of this life.
    renewal: next !== null && next > from && next < until ? share(next) : null,
    daysLeft: until > now ? Math.floor((until - now) / DAY_MS) : null,
  }
}
