import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/panel/monitoring'
import { bytes, count, permille } from '@/ui/write/amount'
import { took } from '@/ui/write/moment'

export type Metric = Schemas['Metric']
export type Settings = Schemas['AlertSettings']

const SECOND_MS = 1_000

/** A value in the unit of its metric. */
export function amount(metric: Metric, value: number): string {
  if (metric === 'cpu') return permille(value)
  if (metric === 'processes') return count(value)
  return metric === 'network' ? `${bytes(value)}/s` : bytes(value)
}

/** What a rule says, in one line: "Memory at or above 90 % of the limit for 5 min". */
export function says({ metric, comparison, threshold, forSecs = 300 }: Settings): string {
  const line = threshold.percent == null ? amount(metric, threshold.value ?? 0) : text.rules.ofLimit(threshold.percent)
  const time = forSecs > 0 ? text.rules.for(took(forSecs * SECOND_MS)) : text.rules.atOnce
  return text.rules.says(text.form.metrics[metric]!, text.rules.sides[comparison]!, line, time)
}
