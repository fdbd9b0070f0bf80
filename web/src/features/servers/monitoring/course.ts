import type { Schemas } from '@/api/client'

export type Sample = Schemas['ServerSample']
export type Gauge = 'cpuPermille' | 'memory' | 'disk' | 'processes'

/** The means of something, and where points hold several samples the lowest and highest around them. */
export function gauge(samples: readonly Sample[], field: Gauge): { values: (number | null)[]; low?: (number | null)[]; high?: (number | null)[] } {
  const values = samples.map((sample) => sample[field]?.mean ?? null)
  if (samples.every(({ samples: count }) => count < 2)) return { values }
  return { values, low: samples.map((sample) => sample[field]?.low ?? null), high: samples.map((sample) => sample[field]?.high ?? null) }
}

/** Bytes a second; null where nothing is known of its network, or a silence lies before. */
export function rate(samples: readonly Sample[], field: 'received' | 'sent', gapMs: number): (number | null)[] {
  return samples.map((sample, at) => {
    const before = samples[at - 1]
    const flow = sample[field]
    if (!before || !flow) return null
    const ms = Date.parse(sample.at) - Date.parse(before.at)
    return ms > 0 && ms <= gapMs ? (flow.sum * 1_000) / ms : null
  })
}

/** The share of samples in which it ran, 0 to 1; null where there are none. */
export function ran(samples: readonly Sample[]): number | null {
  const all = samples.reduce((sum, { samples: count }) => sum + count, 0)
  return all > 0 ? samples.reduce((sum, { up }) => sum + up, 0) / all : null
}
