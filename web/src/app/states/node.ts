import { CircleCheck, CircleDashed, Lock, Unplug } from '@lucide/vue'
import type { Schemas } from '@/api/client'
import type { Shown } from './run'

const STATES: Record<string, Shown> = {
  online: { label: 'Online', tone: 'good', icon: CircleCheck },
  // The agent does not answer; what runs there runs on.
  offline: { label: 'Not connected', tone: 'warn', icon: Unplug },
  locked: { label: 'Locked', tone: 'bad', icon: Lock },
}

/** How a node is told on screen. */
export const nodeState = (node: Pick<Schemas['Node'], 'status'>): Shown =>
  STATES[node.status] ?? { label: node.status, tone: 'neutral', icon: CircleDashed }
