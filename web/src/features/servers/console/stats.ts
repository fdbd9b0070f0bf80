/** One server at one moment, as its console tells it once a second. */
export interface Sample {
  /** Milliseconds. */
  at: number
  state: string
  cpuPermille: number
  memory: number
  processes: number
  disk: number
  netReceived: number | null
  netSent: number | null
  uptimeMs: number
}

/** How far back the charts of a console reach: 3 min. */
export const SPAN_MS = 180_000
/** A silence of so long is a gap in a line. */
export const GAP_MS = 5_000
/** Samples kept, whatever their times say. */
const MAX_SAMPLES = 600

/** With one more sample; what is older than the charts reach goes. One told twice counts once. */
export function ticked(samples: readonly Sample[], next: Sample): readonly Sample[] {
  if (!Number.isFinite(next.at)) return samples
  const last = samples.at(-1)
  if (last && next.at <= last.at) return samples
  return [...samples.filter(({ at }) => next.at - at <= SPAN_MS), next].slice(-MAX_SAMPLES)
}

/** Bytes a second between two samples; null where there is no earlier one, or nothing is known. */
export function rates(samples: readonly Sample[], field: 'netReceived' | 'netSent'): (number | null)[] {
  return samples.map((sample, at) => {
    const before = samples[at - 1]
    const bytes = sample[field]
    if (!before || bytes === null || bytes === undefined || sample.at - before.at > GAP_MS) return null
    return (bytes * 1_000) / (sample.at - before.at)
  })
}
