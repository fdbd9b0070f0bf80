import { Ban, CircleCheck, CircleDashed, CircleHelp, CircleStop, Download, LoaderCircle, OctagonX } from '@lucide/vue'
import type { Schemas } from '@/api/client'
import { text as words } from '@/locales/en/panel/states'
import type { Shown } from './run'

type Server = Pick<Schemas['Server'], 'state' | 'install' | 'suspended' | 'unknownSince'>

const STATES: Record<string, Shown> = {
  stopped: { label: words.stopped, tone: 'neutral', icon: CircleStop },
  starting: { label: words.starting, tone: 'info', icon: LoaderCircle, moving: true },
  running: { label: words.running, tone: 'good', icon: CircleCheck },
  stopping: { label: words.stopping, tone: 'info', icon: LoaderCircle, moving: true },
  error: { label: words.error, tone: 'bad', icon: OctagonX },
}
const NOT_INSTALLED: Record<string, Shown> = {
  missing: { label: words.missing, tone: 'neutral', icon: CircleDashed },
  installing: { label: words.installing, tone: 'info', icon: Download, moving: false },
  failed: { label: words.failed, tone: 'bad', icon: OctagonX },
}

/** How a server was when its machine was last heard of. */
export function lastKnown({ state, install, suspended }: Omit<Server, 'unknownSince'>): Shown {
  const known = STATES[state] ?? { label: state, tone: 'neutral', icon: CircleDashed }
  if (state !== 'stopped') return known
  if (suspended) return { label: words.suspended, tone: 'warn', icon: Ban }
  return NOT_INSTALLED[install] ?? known
}

/** How a server is told on screen. What a silent machine said before is no state of now. */
export const serverState = (server: Server): Shown => (server.unknownSince ? { label: words.unknown, tone: 'warn', icon: CircleHelp } : lastKnown(server))

/** Whether its process is there, as last heard. */
export const isUp = ({ state }: Pick<Schemas['Server'], 'state'>): boolean => state === 'running' || state === 'starting' || state === 'stopping'
