import { Ban, Check, CircleDashed, Clock, LoaderCircle, Minus, RotateCw, TriangleAlert, UserRound, Wrench, X } from '@lucide/vue'
import { runState, type Shown } from '@/app/states/run'
import { text } from '@/locales/en/workflows'
import type { Execution, Step } from './workflowActs'

const words = text.states
const RUNS: Record<string, Omit<Shown, 'label'>> = {
  queued: { tone: 'warn', icon: Clock },
  running: { tone: 'info', icon: LoaderCircle, moving: true },
  waiting: { tone: 'warn', icon: Clock },
}

/** How a run of a workflow is told: by its end like any other run, before it by where it stands. */
export function executionState({ state, done, poison }: Pick<Execution, 'state' | 'done' | 'poison'>): Shown {
  if (done) return runState({ state: 'done', done, stale: false })
  if (poison) return { label: words.poison!, tone: 'bad', icon: TriangleAlert }
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
