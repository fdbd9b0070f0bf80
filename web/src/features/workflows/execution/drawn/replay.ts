import type { Step } from '../../workflowActs'

/** Something that was recorded of a run: a step began, or ended. */
export interface Moment {
  at: number
  step: string
  what: 'began' | 'ended'
  /** How it ended. */
  state: string
}

const timeOf = (time: string | null | undefined): number | null => (time ? Date.parse(time) : null)

/** What was recorded, in order. What an earlier run had done and this one kept has no moment of its own. */
export function moments(steps: readonly Step[]): Moment[] {
  const found: Moment[] = []
  for (const { key, state, startedAt, endedAt } of steps) {
    const [from, to] = [timeOf(startedAt), timeOf(endedAt)]
    if (from !== null) found.push({ at: from, step: key, what: 'began', state: 'running' })
    if (to !== null && (from !== null || state === 'skipped')) found.push({ at: to, step: key, what: 'ended', state })
  }
  // What ended made others begin: at one moment it comes first, unless it began only then.
  return found.sort((one, other) => one.at - other.at || (one.step === other.step ? (one.what === 'began' ? -1 : 1) : (one.what === 'ended' ? 0 : 1) - (other.what === 'ended' ? 0 : 1)))
}

/** The steps as they stood once so many moments had passed. */
export function stepsAfter(steps: readonly Step[], all: readonly Moment[], passed: number): Step[] {
  const states = new Map<string, Moment>()
  for (const moment of all.slice(0, passed)) states.set(moment.step, moment)
  const later = new Set(all.slice(passed).map(({ step }) => step))
  const now = all[passed - 1]?.at ?? all[0]?.at ?? 0
  return steps.map((step): Step => {
    const seen = states.get(step.key)
    if (!seen) return later.has(step.key) ? { ...step, state: 'pending', startedAt: null, endedAt: null, fault: null } : step
    if (seen.what === 'ended') return step
    const state = step.kind === 'wait' ? 'waiting' : step.kind === 'approval' ? 'asked' : 'running'
    return { ...step, state, endedAt: new Date(now).toISOString(), fault: null }
  })
}
