/** Where a time stands to now. */
export function spanState({ startsAt, endsAt }: { startsAt: string; endsAt: string }, now: number): 'running' | 'later' | 'over' {
  if (Date.parse(endsAt) <= now) return 'over'
  return Date.parse(startsAt) > now ? 'later' : 'running'
}

/** What was typed as from and until, as it is sent; why it cannot be. */
export function spanOf(from: string, until: string, now: number): { startsAt: string | null; endsAt: string } | 'needed' | 'order' {
  const ends = Date.parse(until)
  if (!Number.isFinite(ends)) return 'needed'
  const starts = from ? Date.parse(from) : now
  if (!Number.isFinite(starts) || ends <= starts || ends <= now) return 'order'
  return { startsAt: from ? new Date(starts).toISOString() : null, endsAt: new Date(ends).toISOString() }
}
