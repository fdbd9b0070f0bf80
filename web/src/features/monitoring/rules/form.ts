import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/panel/monitoring'
import type { Metric, Settings } from '../amount'

export type Rule = Schemas['AlertRule']
export type ScopeKind = Schemas['AlertScopeKind']
export type Unit = 'percent' | 'cores' | 'MB' | 'GB' | 'MBs' | 'count'

/** What is typed. */
export interface Form {
  name: string
  metric: Metric
  side: 'above' | 'below'
  unit: Unit
  line: string
  minutes: string
  margin: string
  cooldown: string
  scope: ScopeKind
  which: string
  enabled: boolean
}
export type Field = keyof Form

const MB = 1_024 ** 2
/** One of a unit, in what the API compares. */
const FACTORS: Record<Unit, number> = { percent: 1, cores: 1_000, MB, GB: 1_024 * MB, MBs: MB, count: 1 }
/** The units of each metric, the usual one first; a network has no limit to have a percentage of. */
export const UNITS: Record<Metric, Unit[]> = { cpu: ['percent', 'cores'], memory: ['percent', 'MB', 'GB'], disk: ['percent', 'MB', 'GB'], network: ['MBs'], processes: ['percent', 'count'] }
/** The highest value that the API takes. */
const MAX_VALUE = 2 ** 49
const MINUTE_SECS = 60

/** A value with the unit in which it is shortest. */
function typed(metric: Metric, value: number): { unit: Unit; line: string } {
  if (metric === 'cpu') return { unit: 'cores', line: String(value / FACTORS.cores) }
  if (metric === 'processes') return { unit: 'count', line: String(value) }
  if (metric === 'network') return { unit: 'MBs', line: String(value / MB) }
  const unit = value % FACTORS.GB === 0 ? 'GB' : 'MB'
  return { unit, line: String(value / FACTORS[unit]) }
}

export function formOf(rule: Rule | null): Form {
  const settings: Settings = rule?.settings ?? { metric: 'memory', comparison: 'above', threshold: { percent: 90 } }
  const { metric, threshold, comparison, forSecs = 300, marginPercent = 10, cooldownSecs = 900, enabled = true } = settings
  const line = threshold.percent == null ? typed(metric, threshold.value ?? 0) : { unit: 'percent' as const, line: String(threshold.percent) }
  return {
    name: rule?.name ?? '',
    metric,
    side: comparison,
    ...line,
    minutes: String(forSecs / MINUTE_SECS),
    margin: String(marginPercent),
    cooldown: String(cooldownSecs / MINUTE_SECS),
    scope: rule?.scope.kind ?? 'team',
    which: rule?.scope.id ?? '',
    enabled,
  }
}

const number = (typed: string): number => (typed.trim() === '' ? NaN : Number(typed.trim()))
const within = (value: number, low: number, high: number): boolean => Number.isFinite(value) && value >= low && value <= high

/** What is typed, as the API has it. */
export function settingsOf({ metric, side, unit, line, minutes, margin, cooldown, enabled }: Form): Settings {
  const value = Math.round(number(line) * FACTORS[unit])
  return {
    metric,
    comparison: side,
    threshold: unit === 'percent' ? { percent: value } : { value },
    forSecs: Math.round(number(minutes) * MINUTE_SECS),
    marginPercent: number(margin),
    cooldownSecs: Math.round(number(cooldown) * MINUTE_SECS),
    enabled,
  }
}

/** What the API would refuse, or could not even read. */
export function refusedAtOnce(form: Form, isNew: boolean): Partial<Record<Field, string>> {
  const words = text.form
  const refused: Partial<Record<Field, string>> = {}
  if (form.name.trim() === '') refused.name = words.noName
  const value = number(form.line) * FACTORS[form.unit]
  if (form.unit === 'percent' ? !(Number.isInteger(value) && within(value, 1, 1_000)) : !within(Math.round(value), 1, MAX_VALUE)) refused.line = form.unit === 'percent' ? words.noPercent : words.noLine
  if (!within(number(form.minutes), 0, 60)) refused.minutes = words.noMinutes
  if (!(Number.isInteger(number(form.margin)) && within(number(form.margin), 0, 50))) refused.margin = words.noMargin
  if (!within(number(form.cooldown), 0, 1_440)) refused.cooldown = words.noCooldown
  if (isNew && form.scope !== 'team' && form.which === '') refused.which = words.noScope
  return refused
}

/** Where a rule is made. */
export const scopeOf = ({ scope, which }: Form): Schemas['AlertScope'] => (scope === 'team' ? { kind: scope } : { kind: scope, id: which })
