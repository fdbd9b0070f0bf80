import type { Schemas } from '@/api/client'

export type Sample = Schemas['NodeSample']

/** What the event `node.metrics` carries. */
export interface MetricsEvent {
  nodeId: string
  at: string
  node: Omit<Sample, 'at'>
}

export const sampleOf = (told: MetricsEvent): Sample => ({ ...told.node, at: told.at })

export type RangeName = '15m' | '1h' | '24h' | '7d' | '30d' | '1y'

export interface Range {
  /** Milliseconds. */
  span: number
  points: number
  /** Samples of this moment are appended. */
  live: boolean
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
export const ranges: Record<RangeName, Range> = {
  '15m': { span: 15 * MINUTE_MS, points: 450, live: true },
  '1h': { span: 60 * MINUTE_MS, points: 360, live: true },
  '24h': { span: DAY_MS, points: 288, live: false },
  '7d': { span: 7 * DAY_MS, points: 336, live: false },
  '30d': { span: 30 * DAY_MS, points: 360, live: false },
  '1y': { span: 365 * DAY_MS, points: 365, live: false },
}

/** A node nobody watches samples itself this often. */
const SAMPLED_MS = 30_000
/** A silence longer than this is a gap in a chart of the range. */
export const gapOf = ({ span, points }: Range): number => Math.max(SAMPLED_MS, span / points) * 3

/** What was read and what came since, in one row of time, from `from` on. */
export function merged(read: Sample[], live: Sample[], from: number): Sample[] {
  const last = read.length ? Date.parse(read.at(-1)!.at) : 0
  const after = live.filter(({ at }) => Date.parse(at) > last)
  return [...read, ...after].filter(({ at }) => Date.parse(at) >= from)
}

/** Bytes a second between samples; each counts what came since the one before, so the first has no rate, nor one after a gap. */
export function ratesOf(samples: Sample[], field: 'netReceived' | 'netSent', gap: number): (number | null)[] {
  return samples.map((sample, at) => {
    const before = samples[at - 1]
    if (!before) return null
    const ms = Date.parse(sample.at) - Date.parse(before.at)
    return ms > 0 && ms <= gap ? (sample[field] / ms) * 1_000 : null
  })
}

/** The lowest and highest around the mean of each point; none where every point is one sample. */
export function spreadOf(samples: Sample[], field: 'cpuPermille' | 'loadPermille' | 'memoryUsed' | 'diskUsed'): { low?: number[]; high?: number[] } {
  if (samples.every(({ within }) => (within?.samples ?? 1) < 2)) return {}
  return {
    low: samples.map((sample) => sample.within?.[field].low ?? sample[field]),
    high: samples.map((sample) => sample.within?.[field].high ?? sample[field]),
  }
}

/** The same for bytes a second, of which only the most is known. */
export function mostOf(samples: Sample[], rates: (number | null)[], field: 'netReceivedMost' | 'netSentMost'): { low?: (number | null)[]; high?: (number | null)[] } {
  if (samples.every(({ within }) => (within?.samples ?? 1) < 2)) return {}
  return { low: rates, high: samples.map(({ within }, at) => (rates[at] === null ? null : Math.max(rates[at]!, within?.[field] ?? 0))) }
}

/** CPU of a process between two readings, thousandths of one core; null where they are not of the same process. */
export function cpuShare(
  before: { pid: number; cpuMs: number; readAt: number } | undefined,
  now: { pid: number; cpuMs: number; readAt: number },
): number | null {
  if (!before || before.pid !== now.pid || now.readAt <= before.readAt || now.cpuMs < before.cpuMs) return null
  return ((now.cpuMs - before.cpuMs) / (now.readAt - before.readAt)) * 1_000
}
