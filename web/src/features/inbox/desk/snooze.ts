/** When a card comes back. */
export interface Later {
  key: 'hour' | 'tonight' | 'morning'
  at: Date
}

const HOUR_MS = 3_600_000
const EVENING = 18
const LATE = 21
const MORNING = 8

function todayAt(now: Date, hour: number, days = 0): Date {
  const at = new Date(now)
  at.setDate(at.getDate() + days)
  at.setHours(hour, 0, 0, 0)
  return at
}

/** Moments to choose from, on this machine's wall clock; none that is nearer than an hour or over already. */
export function laters(now: Date): Later[] {
  const soon = new Date(now.getTime() + HOUR_MS)
  const evening = [EVENING, LATE].map((hour) => todayAt(now, hour)).find((at) => at > soon)
  return [
    { key: 'hour', at: soon },
    ...(evening ? [{ key: 'tonight' as const, at: evening }] : []),
    // In the small hours, the morning is the one that comes.
    { key: 'morning', at: now.getHours() < MORNING - 2 ? todayAt(now, MORNING) : todayAt(now, MORNING, 1) },
  ]
}

/** The longest time a card is put aside. */
const MOST_MS = 30 * 24 * HOUR_MS

/** What was picked in a field for date and time, and why it cannot be. */
export function picked(value: string, now: Date): { at: Date } | 'empty' | 'past' | 'far' {
  const at = new Date(value)
  if (!Number.isFinite(at.getTime())) return 'empty'
  if (at <= now) return 'past'
  return at.getTime() - now.getTime() > MOST_MS ? 'far' : { at }
}
