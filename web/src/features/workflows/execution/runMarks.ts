import type { Mark } from '../canvas/marks'
import { stepState } from '../states'
import { text } from '@/locales/en/canvas'
import { took } from '@/ui/write/moment'
import type { Step } from '../workflowActs'
import { spentMs } from './tree'

export const idOf = (key: string): string => key.split('@')[0]!

/** The steps of a run by their id in the document: within a map there are several of one id. */
export function byId(steps: readonly Step[]): Map<string, Step[]> {
  const found = new Map<string, Step[]>()
  for (const step of steps) {
    const id = idOf(step.key)
    const own = found.get(id)
    if (own) own.push(step)
    else found.set(id, [step])
  }
  return found
}

/** Of several, the one that counts: what needs somebody before what goes on, and that before what is over. */
const WEIGHT = ['failed', 'asked', 'catching', 'retrying', 'running', 'waiting', 'pending', 'cancelled', 'succeeded', 'skipped']
const weightOf = ({ state }: Step): number => (WEIGHT.indexOf(state) + WEIGHT.length + 1) % (WEIGHT.length + 1)
export const foremost = (steps: readonly Step[]): Step => steps.reduce((best, step) => (weightOf(step) < weightOf(best) ? step : best))
const ENDED = new Set(['succeeded', 'skipped'])

/** How each step of a document stands in a run. */
export function runMarks(ids: Iterable<string>, steps: readonly Step[], now: number): Map<string, Mark> {
  const known = byId(steps)
  const marks = new Map<string, Mark>()
  for (const id of ids) {
    const own = known.get(id)
    const { tone, icon, label, moving } = stepState(own ? foremost(own) : { state: 'pending' })
    const spent = own?.length === 1 ? spentMs(own[0]!, now) : null
    const note = own && own.length > 1 ? text.graph.ended(own.filter(({ state }) => ENDED.has(state)).length, own.length) : spent === null ? undefined : took(spent)
    marks.set(id, { tone, icon, label, moving, note })
  }
  return marks
}
