import { text } from '@/locales/en/acting'
import { count } from '@/ui/write/amount'

interface Calibration {
  estimatePermille: number
  good: number
  evidence: number
}

interface Inputs {
  action?: string
  proposer?: string
  report?: string | { score: number }
  calibration?: Calibration | null
  record?: { good: number; bad: number }
  drawPermille?: number
  samplePermille?: number
  [name: string]: unknown
}

const SCORES = new Set(['risk', 'autoAt', 'notifyAt', 'confidence'])

/** What policy looked at, as words. Unknown names are shown as they are, never left out. */
export function policyInputs(policy: Record<string, unknown>): [string, string][] {
  const { samplePermille, ...inputs } = (policy.inputs ?? {}) as Inputs
  const all: Record<string, unknown> = { ...inputs, confidence: policy.confidence, sampled: policy.sampled }
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [text.inputNames[name] ?? name, told(name, value, samplePermille)])
}

function told(name: string, value: unknown, sample: number | undefined): string {
  if (value === null || value === 'none') return text.nothingSaid
  if (typeof value === 'boolean') return value ? text.yes : text.no
  if (name === 'drawPermille') return text.drawn(Number(value), sample ?? 0)
  if (name === 'proposer') return text.proposers[String(value)] ?? String(value)
  if (name === 'calibration') {
    const { estimatePermille, good, evidence } = value as Calibration
    return text.worth(estimatePermille, good, evidence)
  }
  if (name === 'record') return text.record((value as { good: number }).good, (value as { bad: number }).bad)
  if (typeof value === 'object' && 'score' in value) return text.score(Number(value.score))
  if (typeof value === 'number') return SCORES.has(name) ? text.score(value) : count(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
