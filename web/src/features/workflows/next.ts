import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/workflow/starts'
import { ago } from '@/ui/write/moment'

export type Schedule = Schemas['WorkflowSchedule']

/** Moments behind the next one that are told. */
const THEN = 2

/** A moment by the wall clock of a zone; by UTC where this machine does not know the zone. */
export function momentIn(at: string | number, timezone: string, now: number): string {
  const time = new Date(at)
  const isFar = time.getUTCFullYear() !== new Date(now).getUTCFullYear()
  const told = (timeZone: string): string =>
    new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: isFar ? 'numeric' : undefined, hour: '2-digit', minute: '2-digit', timeZone }).format(time)
  try {
    return told(timezone)
  } catch {
    return `${told('UTC')} UTC`
  }
}

/** When a schedule comes round, in words. */
export function nextInWords({ upcoming, timezone }: Pick<Schedule, 'upcoming' | 'timezone'>, now: number): { next: string; then: string } {
  const coming = upcoming.filter((at) => Date.parse(at) > now)
  const [first, ...rest] = coming
  if (!first) return { next: text.never, then: '' }
  const later = rest.slice(0, THEN).map((at) => momentIn(at, timezone, now))
  return { next: text.next(momentIn(first, timezone, now), timezone, ago(Date.parse(first), now)), then: later.length ? text.then(later) : '' }
}

/** Time zones to choose from: this machine's own and UTC first. */
export function zones(also: string): string[] {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  return [...new Set([...(also ? [also] : []), own, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
}
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
