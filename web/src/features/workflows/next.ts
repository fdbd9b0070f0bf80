import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/workflow/starts'
import { ago } from '@/ui/write/moment'
import { momentIn } from '@/ui/write/zone'

export type Schedule = Schemas['WorkflowSchedule']

/** Moments behind the next one that are told. */
const THEN = 2

/** When a schedule comes round, in words. */
export function nextInWords({ upcoming, timezone }: Pick<Schedule, 'upcoming' | 'timezone'>, now: number): { next: string; then: string } {
  const coming = upcoming.filter((at) => Date.parse(at) > now)
  const [first, ...rest] = coming
  if (!first) return { next: text.never, then: '' }
  const later = rest.slice(0, THEN).map((at) => momentIn(at, timezone, now))
  return { next: text.next(momentIn(first, timezone, now), timezone, ago(Date.parse(first), now)), then: later.length ? text.then(later) : '' }
}
