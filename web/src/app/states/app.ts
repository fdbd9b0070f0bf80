import { Circle, CircleCheck, CircleDashed, CircleStop, LoaderCircle, OctagonX } from '@lucide/vue'
import type { Schemas } from '@/api/client'
import type { Shown } from './run'

const STATES: Record<string, Shown> = {
  empty: { label: 'Never deployed', tone: 'neutral', icon: Circle },
  running: { label: 'Running', tone: 'good', icon: CircleCheck },
  starting: { label: 'Starting', tone: 'info', icon: LoaderCircle, moving: true },
  stopping: { label: 'Stopping', tone: 'info', icon: LoaderCircle, moving: true },
  stopped: { label: 'Stopped', tone: 'neutral', icon: CircleStop },
  crashed: { label: 'Crashed', tone: 'bad', icon: OctagonX },
  failed: { label: 'Failed', tone: 'bad', icon: OctagonX },
}

/** How an app is told on screen. */
export const appState = (app: Pick<Schemas['App'], 'state'>): Shown =>
  STATES[app.state] ?? { label: app.state, tone: 'neutral', icon: CircleDashed }
