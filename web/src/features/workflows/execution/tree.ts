import type { ExecutionDetail, Step } from '../workflowActs'

export interface Row {
  step: Step
  /** How many steps it stands in. */
  depth: number
}

/** The steps with those that stand in them behind each, in the order of the answer. None is lost, whatever its parent. */
export function tree(steps: readonly Step[]): Row[] {
  const known = new Set(steps.map(({ key }) => key))
  const inside = new Map<string, Step[]>()
  const roots: Step[] = []
  for (const step of steps) {
    const { parent } = step
    if (!parent || parent === step.key || !known.has(parent)) roots.push(step)
    else {
      const own = inside.get(parent)
      if (own) own.push(step)
      else inside.set(parent, [step])
    }
  }
  const rows: Row[] = []
  const seen = new Set<string>()
  const visit = (from: readonly Step[], depth: number): void => {
    // A stack of its own: documents may nest deeper than calls may.
    const stack = from.map((step): Row => ({ step, depth })).reverse()
    for (let row = stack.pop(); row; row = stack.pop()) {
      if (seen.has(row.step.key)) continue
      seen.add(row.step.key)
      rows.push(row)
      const { depth: outer } = row
      for (const step of [...(inside.get(row.step.key) ?? [])].reverse()) stack.push({ step, depth: outer + 1 })
    }
  }
  visit(roots, 0)
  // Parents in a circle hang on no root.
  for (const step of steps) if (!seen.has(step.key)) visit([step], 0)
  return rows
}

/** The step that is shown open: the first that failed; of steps inside each other the innermost, where the cause is. */
export function failingStep({ steps, failedStep }: Pick<ExecutionDetail, 'steps' | 'failedStep'>): string | null {
  const failed = new Set(steps.filter(({ state }) => state === 'failed').map(({ key }) => key))
  const holdsFailed = new Set(steps.filter(({ key }) => failed.has(key)).map(({ parent }) => parent))
  const first = tree(steps).find(({ step }) => failed.has(step.key) && !holdsFailed.has(step.key))
  if (failedStep && steps.some(({ key }) => key === failedStep) && !holdsFailed.has(failedStep)) return failedStep
  return first?.step.key ?? null
}

/** The step that is shown open before anybody chose: where it failed, else where a person is asked. */
export const stepToOpen = (execution: Pick<ExecutionDetail, 'steps' | 'failedStep'>): string | null =>
  failingStep(execution) ?? execution.steps.find(({ state }) => state === 'asked')?.key ?? null

/** The step without a parent that a step stands in: where a run can be done again from. */
export function outermost(steps: readonly Step[], key: string): string {
  const parents = new Map(steps.map((step) => [step.key, step.parent]))
  // No more climbs than there are steps: parents may stand in a circle.
  for (let climbs = 0, at = key; climbs < steps.length; climbs++) {
    const parent = parents.get(at)
    if (!parent || !parents.has(parent)) return at
    at = parent
  }
  return key
}

/** How long a step took, or has taken so far; null before it begins. */
export function spentMs({ startedAt, endedAt }: Pick<Step, 'startedAt' | 'endedAt'>, now: number): number | null {
  return startedAt ? Math.max(0, (endedAt ? Date.parse(endedAt) : now) - Date.parse(startedAt)) : null
}

/** In a fork: the run before it had done this, and it was not done again. */
export const isKept = ({ state, startedAt }: Pick<Step, 'state' | 'startedAt'>): boolean => state === 'succeeded' && !startedAt
