import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/deciding/confidence'

interface Calibration {
  score: number
  lowPermille: number
  highPermille: number
  method: string
  level: string | null
  evidence: number
  good: number
  heldBy: string | null
}

interface Inputs {
  proposer?: string
  report?: 'none' | 'malformed' | { score: number }
  calibration?: Calibration | null
  autoAt?: number
  notifyAt?: number
  neverAuto?: boolean
  opensGates?: boolean
  destroys?: boolean
  waived?: boolean
  frozen?: boolean
  frozenBy?: string | null
  overBudget?: string | null
  passesFreeze?: boolean
}

/** How sure it is, for people: the number that counts, where it stands between the gates, and what it rests on. */
export interface Confidence {
  score: number | null
  notifyAt: number
  autoAt: number
  /** The range in which the true share lies, 0-100. */
  low: number
  high: number
  /** What the AI said of itself, 0-100. */
  reported: number | null
  /** In sentences. */
  because: string[]
  /** What asks or holds it back whatever the score. */
  rules: string[]
}

/** From what policy looked at. Null where nothing of it is known. */
export function confidenceOf(policy: Schemas['Run']['policy'] | undefined): Confidence | null {
  const decision = (policy ?? {}) as { inputs?: Inputs; confidence?: number | null }
  const inputs = decision.inputs
  if (!inputs) return null
  const { calibration: made, report, notifyAt = 70, autoAt = 90 } = inputs
  const reported = typeof report === 'object' && report !== null ? report.score : null
  return {
    score: decision.confidence ?? made?.score ?? null,
    notifyAt,
    autoAt,
    low: Math.round((made?.lowPermille ?? 0) / 10),
    high: Math.round((made?.highPermille ?? 1_000) / 10),
    reported,
    because: inputs.proposer === 'ai' ? ofAi(inputs, reported) : [inputs.proposer === 'system' ? text.system : text.person],
    rules: rulesOf(inputs),
  }
}

function ofAi({ calibration: made, report }: Inputs, reported: number | null): string[] {
  const said = reported !== null ? text.said(reported) : report === 'malformed' ? text.saidNonsense : text.saidNothing
  if (!made || made.evidence === 0 || !made.level) return [said, text.nothing]
  return [
    said,
    text.rests(made.good, made.evidence, made.level),
    text.between(Math.round(made.lowPermille / 10), Math.round(made.highPermille / 10)),
    ...(text.method[made.method] ? [text.method[made.method]!] : []),
    ...(made.heldBy && text.held[made.heldBy] ? [text.held[made.heldBy]!] : []),
  ]
}

function rulesOf(inputs: Inputs): string[] {
  const isAi = inputs.proposer === 'ai'
  return [
    ...(isAi && inputs.neverAuto ? [text.rules.neverAuto] : []),
    ...(isAi && inputs.opensGates ? [text.rules.opensGates] : []),
    ...(isAi && inputs.destroys && !inputs.waived ? [text.rules.destroys] : []),
    ...(inputs.frozen && !inputs.passesFreeze ? [text.rules.frozen(inputs.frozenBy ?? '')] : []),
    ...(inputs.overBudget ? [text.rules.overBudget(inputs.overBudget)] : []),
  ]
}
