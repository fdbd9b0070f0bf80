import { Circle, CircleCheck, CircleDashed, CircleStop, Clock, LoaderCircle, OctagonX } from '@lucide/vue'
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

const DOING: Record<string, string> = {
  'app.deploy': 'Deploying',
  'app.rollback': 'Rolling back',
  'app.restart': 'Restarting',
  'app.start': 'Starting',
  'app.stop': 'Stopping',
  'app.delete': 'Deleting',
}
const WAITING: Record<string, string> = {
  'app.deploy': 'Deploy waits',
  'app.rollback': 'Roll back waits',
  'app.restart': 'Restart waits',
  'app.start': 'Start waits',
  'app.stop': 'Stop waits',
  'app.delete': 'Deletion waits',
}

/** What an open run is doing to its app; null where it changes nothing that is seen. */
export function appDoing(run: Pick<Schemas['Run'], 'action' | 'state' | 'done'> | undefined): Shown | null {
  if (!run || run.done || !DOING[run.action]) return null
  if (run.state === 'waiting') return { label: WAITING[run.action]!, tone: 'warn', icon: Clock }
  return { label: DOING[run.action]!, tone: 'info', icon: LoaderCircle, moving: true }
}
