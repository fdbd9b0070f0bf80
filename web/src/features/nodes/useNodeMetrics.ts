import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { useIntervalFn } from '@vueuse/core'
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { api, data } from '@/api/client'
import { serverNow } from '@/api/clock'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { gapOf, merged, ranges, ratesOf, sampleOf, type MetricsEvent, type RangeName, type Sample } from './samples'

/** The window moves on so often, also while no sample comes. */
const MOVE_MS = 5_000
/** Samples kept on the page: an hour of one each second. */
const MAX_LIVE = 3_600
/** Long ranges are read again so often. */
const AGAIN_MS = 60_000

/** A node's samples over a range, growing with each live one. */
export function useNodeMetrics(id: Ref<string>, name: Ref<RangeName>) {
  const range = computed(() => ranges[name.value])
  const query = useQuery({
    queryKey: computed(() => keys.nodeMetrics(id.value, { range: name.value })),
    queryFn: ({ signal }) => {
      const { span, points } = range.value
      const query = { from: String(Math.round(serverNow() - span)), points }
      return data<Sample[]>(api.GET('/api/v1/nodes/{id}/metrics', { params: { path: { id: id.value }, query }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: () => (range.value.live ? false : AGAIN_MS),
    staleTime: 0,
  })

  const live = shallowRef<Sample[]>([])
  const now = ref(serverNow())
  useIntervalFn(() => (now.value = serverNow()), MOVE_MS)
  watch([id, name], () => {
    live.value = []
    now.value = serverNow()
  })
  useTopic<MetricsEvent>(
    () => `node:${id.value}`,
    ({ event, data: told }) => {
      if (event !== 'node.metrics' || !range.value.live) return
      live.value = [...live.value, sampleOf(told)].slice(-MAX_LIVE)
      now.value = Math.max(serverNow(), Date.parse(told.at))
    },
  )

  const from = computed(() => now.value - range.value.span)
  const samples = computed(() => merged(query.data.value ?? [], live.value, from.value))
  const gap = computed(() => gapOf(range.value))
  const times = computed(() => samples.value.map(({ at }) => Date.parse(at)))
  const rates = computed(() => ({
    received: ratesOf(samples.value, 'netReceived', gap.value),
    sent: ratesOf(samples.value, 'netSent', gap.value),
  }))
  return { query, samples, times, rates, from, to: now, gap, range }
}
