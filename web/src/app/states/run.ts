import { Ban, Check, CircleDashed, Clock, Eye, LoaderCircle, Send, TriangleAlert, Undo2, X } from '@lucide/vue'
import type { Component } from 'vue'
import type { Schemas } from '@/api/client'
import type { Tone } from '@/ui/tones'

export interface Shown {
  label: string
  tone: Tone
  icon: Component
  /** Something goes on. */
  moving?: boolean
}

const OPEN: Record<string, Shown> = {
  waiting: { label: 'Waiting', tone: 'warn', icon: Clock },
  ready: { label: 'Ready', tone: 'info', icon: CircleDashed },
  sent: { label: 'Sent', tone: 'info', icon: Send },
  working: { label: 'Working', tone: 'info', icon: LoaderCircle, moving: true },
  checking: { label: 'Checking', tone: 'info', icon: Eye },
}

const DONE: Record<string, Shown> = {
  succeeded: { label: 'Succeeded', tone: 'good', icon: Check },
  failed: { label: 'Failed', tone: 'bad', icon: X },
  rolledBack: { label: 'Rolled back', tone: 'warn', icon: Undo2 },
  denied: { label: 'Denied', tone: 'bad', icon: Ban },
  rejected: { label: 'Rejected', tone: 'neutral', icon: Ban },
  expired: { label: 'Expired', tone: 'neutral', icon: Clock },
  cancelled: { label: 'Cancelled', tone: 'neutral', icon: Ban },
}

/** How a run is told on screen. `stale`: its machine is silent; what it does there is not known yet. */
export function runState(run: Pick<Schemas['Run'], 'state' | 'done' | 'stale'>): Shown {
  const done = run.done ? DONE[run.done] : undefined
  const shown = done ?? OPEN[run.state] ?? { label: run.state, tone: 'neutral', icon: CircleDashed }
  return run.stale && !run.done ? { label: `${shown.label}, node silent`, tone: 'warn', icon: TriangleAlert } : shown
}

/** Whether it may still change. */
export const isOpen = (run: Pick<Schemas['Run'], 'done'>): boolean => !run.done
