import type { Schemas } from '@/api/client'
import { asFields } from '@/ui/write/kept'

/** Away for so long, and the next look is another visit. */
export const ABSENCE_MS = 30 * 60_000

/** What a browser remembers of visits: times of the control plane's clock, milliseconds. */
export interface Visits {
  /** When something was last looked at. */
  lastLook: number
  /** When the visit before this one ended; null at the first. */
  before: number | null
}

/** What was kept, where it is of this shape; times beyond the calendar are none. */
export function asVisits(found: unknown): Visits | null {
  const { lastLook, before } = asFields(found)
  const isTime = (time: unknown): time is number => typeof time === 'number' && Math.abs(time) <= 8.64e15
  return isTime(lastLook) ? { lastLook, before: isTime(before) ? before : null } : null
}

/** After a look at `now`. */
export function look(visits: Visits | null, now: number): Visits {
  if (!visits) return { lastLook: now, before: null }
  const isNew = now - visits.lastLook > ABSENCE_MS
  return { lastLook: Math.max(now, visits.lastLook), before: isNew ? visits.lastLook : visits.before }
}

export interface Digest {
  deploys: number
  failed: number
  nodes: number
  changes: number
}

/** What became of what was asked: proposals and looking in are left out, since their endings tell more. */
export function digest(lines: readonly Pick<Schemas['Activity'], 'action' | 'outcome'>[]): Digest {
  const sum: Digest = { deploys: 0, failed: 0, nodes: 0, changes: 0 }
  for (const { action, outcome } of lines) {
    if (outcome === 'proposed' || action.startsWith('session.')) continue
    if (outcome === 'failed' || outcome === 'rolledBack') sum.failed++
    if (action === 'app.deploy' || action === 'app.rollback') sum.deploys++
    else if (action === 'node.enrol') sum.nodes++
    else sum.changes++
  }
  return sum
}
