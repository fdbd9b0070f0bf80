import { Ban, Check, CircleDashed, Clock, LoaderCircle, Minus, RotateCw, TriangleAlert, UserRound, Wrench, X } from '@lucide/vue'
import type { Shown } from '@/app/states/run'
import { text } from '@/locales/en/workflows'
import type { Execution, Step } from './workflowActs'

const words = text.states
const RUNS: Record<string, Omit<Shown, 'label'>> = {
  queued: { tone: 'warn', icon: Clock },
  running: { tone: 'info', icon: LoaderCircle, moving: true },
  waiting: { tone: 'warn', icon: Clock },
  done: { tone: 'good', icon: Check },
}

/** How a run of a workflow is told in a list; whether it ended well is all that a list knows of its end. */
export function executionState({ state, fault, poison }: Pick<Execution, 'state' | 'fault' | 'poison'>): Shown {
  if (poison && state !== 'done') return { label: words.poison!, tone: 'bad', icon: TriangleAlert }
  if (state === 'done' && fault) return { label: words.failed!, tone: 'bad', icon: X }
  return { ...(RUNS[state] ?? { tone: 'neutral', icon: CircleDashed }), label: words[state] ?? state }
}

const STEPS: Record<string, Omit<Shown, 'label'>> = {
  pending: { tone: 'neutral', icon: CircleDashed },
  running: { tone: 'info', icon: LoaderCircle, moving: true },
  retrying: { tone: 'warn', icon: RotateCw },
  waiting: { tone: 'warn', icon: Clock },
  asked: { tone: 'warn', icon: UserRound },
  catching: { tone: 'warn', icon: Wrench },
  succeeded: { tone: 'good', icon: Check },
  failed: { tone: 'bad', icon: X },
  skipped: { tone: 'neutral', icon: Minus },
  cancelled: { tone: 'neutral', icon: Ban },
}

export const stepState = ({ state }: Pick<Step, 'state'>): Shown => ({
  ...(STEPS[state] ?? { tone: 'neutral', icon: CircleDashed }),
  label: text.step.states[state] ?? state,
})
