import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { RANGES, type Range } from '@/app/metrics/watching'

/** One told live has nothing within. */
export type Sample = Omit<Schemas['AppSample'], 'within'> & Partial<Pick<Schemas['AppSample'], 'within'>>

const MINUTE_MS = 60_000
/** Samples told live and kept beside those that were read. */
const MAX_LIVE = 1_800

/** An app's samples over a range that ends now; told live as they come. */
export function useSamples(id: MaybeRefOrGetter<string>, range: MaybeRefOrGetter<Range>, points: number) {
  const spanMs = computed(() => RANGES[toValue(range)] * MINUTE_MS)
  const query = useQuery({
    queryKey: computed(() => keys.appMetrics(toValue(id), { range: toValue(range), points })),
    queryFn: ({ signal }) => {
      const to = serverNow()
      const span = { from: String(to - spanMs.value), to: String(to), points }
      return data<Sample[]>(api.GET('/api/v1/apps/{id}/metrics', { params: { path: { id: toValue(id) }, query: span }, signal }))
    },
    refetchInterval: computed(() => Math.max(spanMs.value / points, 30_000)),
    placeholderData: keepPreviousData,
  })
  const live = ref<Sample[]>([])
  watch([() => toValue(id), () => toValue(range), query.dataUpdatedAt], () => (live.value = []))
  useTopic<{ at: string; apps: (Omit<Sample, 'at'> & { app: string })[] }>(
    () => `app:${toValue(id)}`,
    ({ event, data: told }) => {
      const mine = event === 'node.metrics' ? told.apps.find(({ app }) => app === toValue(id)) : undefined
      if (mine) live.value = [...live.value, { ...mine, at: told.at }].slice(-MAX_LIVE)
    },
  )
  const samples = computed(() => joined(query.data.value ?? [], live.value, serverNow() - spanMs.value))
  return { samples, spanMs, query }
}

/** Read and told samples as one line, each time once, none before `from`. */
export function joined(read: Sample[], told: Sample[], from: number): Sample[] {
  const last = read.length ? Date.parse(read.at(-1)!.at) : -Infinity
  return [...read, ...told.filter((sample) => Date.parse(sample.at) > last)].filter((sample) => Date.parse(sample.at) >= from)
}

/** The lowest and highest around the mean of each point; none where every point is one sample. */
export function spreadOf(samples: Sample[], field: 'cpuPermille' | 'memory' | 'processes'): { low?: number[]; high?: number[] } {
  if (samples.every(({ within }) => (within?.samples ?? 1) < 2)) return {}
  return {
    low: samples.map((sample) => sample.within?.[field].low ?? sample[field]),
    high: samples.map((sample) => sample.within?.[field].high ?? sample[field]),
  }
}

/** The most requests in a second of each point, beside their mean. */
export function requestsMost(samples: Sample[], rates: (number | null)[]): { low?: (number | null)[]; high?: (number | null)[] } {
  if (samples.every(({ within }) => (within?.samples ?? 1) < 2)) return {}
  return { low: rates, high: samples.map(({ within }, at) => (rates[at] === null ? null : Math.max(rates[at]!, within?.requestsMost ?? 0))) }
}

/** Requests a second: each sample counts those since the one before. A long silence tells nothing. */
export function requestRate(samples: Sample[], widthMs: number): (number | null)[] {
  return samples.map((sample, at) => {
    const before = samples[at - 1]
    if (!before) return null
    const ms = Date.parse(sample.at) - Date.parse(before.at)
    return ms > 0 && ms <= 4 * Math.max(widthMs, 30_000) ? (sample.requests * 1_000) / ms : null
  })
}
