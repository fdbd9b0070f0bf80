import type { Schemas } from '@/api/client'
import type { Step } from '../../workflowActs'

export type Entry = Schemas['WorkflowJournalEntry']
export type Fact = Schemas['WorkflowFact']

/** What is known of a step at a moment; the rest of it does not change. */
type Known = Pick<Step, 'state' | 'attempts' | 'call' | 'output' | 'outputLeftOut' | 'fault' | 'tries' | 'question' | 'startedAt' | 'endedAt'>

const NOTHING: Known = { state: 'pending', attempts: 0, call: null, output: null, outputLeftOut: false, fault: null, tries: [], question: null, startedAt: null, endedAt: null }

/** How a step stands after a fact about it; the engine makes the same of it. */
function after(known: Known, fact: Fact, at: string): Known {
  const begun = { ...known, startedAt: known.startedAt ?? at, question: null }
  switch (fact.fact) {
    case 'started':
      return { ...begun, state: 'running', attempts: fact.attempt ?? known.attempts + 1, call: fact.call }
    case 'asked':
      return { ...begun, state: 'asked', attempts: known.attempts + 1, question: fact.message }
    case 'waits':
      return { ...begun, state: 'waiting', attempts: known.attempts + 1 }
    case 'opened':
    case 'chosen':
      return { ...begun, state: 'running' }
    case 'retries':
      return { ...known, state: 'retrying', tries: [...known.tries, { attempt: fact.attempt ?? known.attempts, fault: fact.fault! }] }
    case 'caught':
      return { ...known, state: 'catching', fault: fact.fault }
    case 'ended':
      return { ...known, state: fact.end ?? known.state, output: fact.value, outputLeftOut: fact.valueLeftOut, fault: fact.fault ?? known.fault, question: null, endedAt: at }
    default:
      return known
  }
}

/** The steps as they stood once so many entries had been recorded. */
export function stepsAfter(steps: readonly Step[], entries: readonly Entry[], passed: number): Step[] {
  const known = new Map<string, Known>()
  for (const { at, facts } of entries.slice(0, passed)) {
    for (const fact of facts) if (fact.step) known.set(fact.step, after(known.get(fact.step) ?? NOTHING, fact, at))
  }
  return steps.map((step) => {
    const then = known.get(step.key) ?? NOTHING
    // Each try has proposed a run of its own, in order.
    return { ...step, ...then, runs: step.runs.slice(0, then.attempts), wakesAt: null }
  })
}

/** When the last of so many entries was recorded, milliseconds. */
export const momentOf = (entries: readonly Entry[], passed: number): number | null => {
  const entry = entries[passed - 1] ?? entries[0]
  return entry ? Date.parse(entry.at) : null
}

/** A gap before an entry that is told, milliseconds: shorter ones are the run's own pace. */
export const TOLD_GAP_MS = 10_000
export function gapBefore(entries: readonly Entry[], at: number): number {
  const [before, entry] = [entries[at - 1], entries[at]]
  return before && entry ? Math.max(0, Date.parse(entry.at) - Date.parse(before.at)) : 0
}
