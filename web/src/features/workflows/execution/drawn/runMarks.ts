import { Minus } from '@lucide/vue'
import { text } from '@/locales/en/workflow/canvas'
import { text as locale } from '@/locales/en/workflows'
import { took } from '@/ui/write/moment'
import type { Mark } from '../../canvas/marks'
import type { Block } from '../../document/outline'
import { stepState } from '../../states'
import type { ExecutionDetail, Step } from '../../workflowActs'
import { isKept, spentMs } from '../tree'

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
const OVER = new Set([...ENDED, 'failed', 'cancelled'])

/** Which step of the document another one stands in. */
export function owners(blocks: readonly Block[], owner: string | null = null, found = new Map<string, string | null>()): Map<string, string | null> {
  for (const { items } of blocks) {
    for (const item of items) {
      if (item.id) found.set(item.id, owner)
      owners(item.blocks, item.id || owner, found)
    }
  }
  return found
}

function markOf(own: readonly Step[], now: number, isFork: boolean): Mark {
  const step = foremost(own)
  const { tone, icon, label, moving } = stepState(step)
  if (own.length > 1) return { tone, icon, label, moving, note: text.graph.ended(own.filter(({ state }) => ENDED.has(state)).length, own.length) }
  const spent = spentMs(step, now)
  return { tone, icon, label, moving, note: isFork && isKept(step) ? locale.step.kept : spent === null ? undefined : took(spent) }
}

/** How each step of a document stands in a run; `within` names the step that each stands in. */
export function runMarks(within: ReadonlyMap<string, string | null>, { steps, forkedFrom }: Pick<ExecutionDetail, 'steps' | 'forkedFrom'>, now: number): Map<string, Mark> {
  const known = byId(steps)
  const marks = new Map<string, Mark>()
  for (const [id, owner] of within) {
    const own = known.get(id)
    if (own) {
      marks.set(id, markOf(own, now, !!forkedFrom))
      continue
    }
    // What it stands in is over: it was kept with it, or was another case, or not needed.
    const around = owner ? known.get(owner) : undefined
    const { tone, icon, label } = stepState({ state: 'pending' })
    if (around?.every((one) => !!forkedFrom && isKept(one))) marks.set(id, { ...marks.get(owner!)!, note: locale.step.kept })
    else if (around?.every(({ state }) => OVER.has(state))) marks.set(id, { tone, icon: Minus, label: text.graph.notDone })
    else marks.set(id, { tone, icon, label })
  }
  return marks
}
