import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/acting'

export type Run = Schemas['Run']
export type Moment = Schemas['Moment']

/** One thing in the life of a run, as it is told. */
export interface Phase {
  key: string
  kind: string
  /** Of the node's steps: which. */
  step: string | null
  title: string
  note: string
  state: 'done' | 'failed' | 'skipped' | 'running' | 'waiting'
  /** Milliseconds since 1970, by the clock of where it happened. */
  at: number
  /** Null while it goes on, and for what takes no time. */
  tookMs: number | null
  /** Nothing happened for so long before it; folded. */
  gapMs: number | null
}

/** Quieter times are folded into one line. */
export const GAP_MS = 60_000
const HASH = /sha256:([0-9a-f]{8})[0-9a-f]{56}/g

/** The moments of a run as phases: each step once, with its duration; what is waited for at the end. */
export function story(run: Run, moments: readonly Moment[]): Phase[] {
  const phases: Phase[] = []
  for (const moment of moments) {
    if (moment.kind === 'closed') continue
    const at = Date.parse(moment.at)
    const begun = moment.step && moment.state !== 'started' ? phases.findLast((phase) => phase.step === moment.step && phase.state === 'running') : undefined
    if (begun) {
      begun.state = moment.state === 'failed' ? 'failed' : moment.state === 'skipped' ? 'skipped' : 'done'
      begun.tookMs = Math.max(0, at - begun.at)
      begun.note = moment.note || begun.note
    } else phases.push({ ...told(run, moment), key: `${phases.length}`, at })
  }
  if (run.done) for (const phase of phases) if (phase.state === 'running') phase.state = 'failed'
  const waits = waitsFor(run, phases)
  if (waits) phases.push(waits)
  fold(phases)
  return phases
}

function told(run: Run, { kind, step = null, state, note }: Moment): Omit<Phase, 'key' | 'at'> {
  const base = { kind, step: step ?? null, note: note.replace(HASH, 'sha256:$1…'), state: 'done' as const, tookMs: null, gapMs: null }
  if (step) {
    const became = state === 'started' ? ('running' as const) : state === 'failed' || state === 'skipped' ? state : base.state
    return { ...base, title: text.step(step), state: became }
  }
  if (kind === 'proposed') return { ...base, title: text.asked(whoAsked(run)), note: `${run.title}, ${text.askedHow(run.actor.kind)}` }
  if (kind === 'policy') {
    const admission = admissionOf(run)
    return { ...base, title: text.policy(admission), state: admission === 'deny' ? 'failed' : 'done' }
  }
  if (kind === 'outcome') return { ...base, title: text.outcome, state: run.outcome && run.outcome.verdict !== 'succeeded' ? 'failed' : 'done' }
  const titles: Record<string, string> = { approval: text.approval, signed: text.signed, sent: text.sent, accepted: text.accepted }
  return { ...base, title: titles[kind] ?? text.note }
}

export function whoAsked({ actor }: Pick<Run, 'actor'>): string {
  const name = actor.name ?? (actor.kind === 'system' ? text.system : text.somebody)
  return actor.agentName ? text.agentOf(actor.agentName, name) : name
}
export const admissionOf = (run: Pick<Run, 'policy'>): string => String((run.policy as { admission?: string }).admission ?? '')

/** What an open run stands before, where no step says it. */
function waitsFor(run: Run, phases: readonly Phase[]): Phase | null {
  if (run.done || phases.some((phase) => phase.state === 'running')) return null
  const base = { key: 'waits', kind: 'waits', step: null, note: '', state: 'waiting' as const, at: Date.parse(run.updatedAt), tookMs: null, gapMs: null }
  if (run.state === 'waiting') return { ...base, title: text.waitingPerson }
  if (run.state === 'ready') return { ...base, title: text.waitingNode, note: text.waitingNodeNote }
  if (run.state === 'sent') return { ...base, title: text.waitingWord }
  return null
}

function fold(phases: Phase[]): void {
  for (let at = 1; at < phases.length; at++) {
    const before = phases[at - 1]!
    const quiet = phases[at]!.at - before.at - (before.tookMs ?? 0)
    if (quiet >= GAP_MS) phases[at]!.gapMs = quiet
  }
}

/** The first step that failed; the one that is shown open. Going back is not it. */
export const firstFailing = (phases: readonly Phase[]): Phase | null => phases.find((phase) => phase.state === 'failed' && phase.kind === 'step') ?? null

/** Where a step lies between the first and the last one, as fractions of the whole; null for what is no step. */
export function barOf(phase: Phase, phases: readonly Phase[], now: number): { from: number; width: number } | null {
  if (!phase.step || phase.state === 'skipped') return null
  const steps = phases.filter((one) => one.step)
  const endOf = (one: Phase): number => one.at + (one.tookMs ?? (one.state === 'running' ? Math.max(0, now - one.at) : 0))
  const first = Math.min(...steps.map((one) => one.at))
  const whole = Math.max(...steps.map(endOf)) - first
  if (whole <= 0) return { from: 0, width: 1 }
  return { from: (phase.at - first) / whole, width: (endOf(phase) - phase.at) / whole }
}

/** How long a live release is watched, milliseconds, as the node said it: "live, watching 10 s". */
export function watchMs(note: string): number {
  const [, number, unit] = /watching (\d+(?:\.\d+)?) (ms|s|min)/.exec(note) ?? []
  if (!number) return 10_000
  return Number(number) * (unit === 'min' ? 60_000 : unit === 's' ? 1_000 : 1)
}
