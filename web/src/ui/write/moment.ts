import { ref, type Ref } from 'vue'

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

/** Stands for a time that is none, whoever told it. */
const UNKNOWN = '–'

function told(format: Intl.DateTimeFormat, at: number | string): string {
  const time = new Date(at)
  return Number.isFinite(time.getTime()) ? format.format(time) : UNKNOWN
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 1_000],
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
  ['month', 30 * 86_400_000],
  ['year', 365 * 86_400_000],
]

/** "3 minutes ago", "in 2 hours"; below five seconds "just now". */
export function ago(at: number, now: number): string {
  if (!Number.isFinite(at)) return UNKNOWN
  const difference = at - now
  const size = Math.abs(difference)
  if (size < 5_000) return 'just now'
  const [unit, length] = STEPS.findLast(([, length]) => size >= length) ?? STEPS[0]!
  return relative.format(Math.round(difference / length), unit)
}

/** Date and time on this machine's wall. */
export const wall = (at: number | string): string => told(absolute, at)
/** The time alone. */
export const wallTime = (at: number | string): string => told(clock, at)

/** The day alone, "12 Feb"; with its year where that is another than `now`'s. */
export function day(at: number | string, now: number): string {
  const time = new Date(at)
  return told(time.getFullYear() === new Date(now).getFullYear() ? dayOfYear : dayAndYear, at)
}

/** How long something took: "840 ms", "4.2 s", "3 min 12 s", "2 h 5 min". */
export function took(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return UNKNOWN
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const [big, small, bigName, smallName] = ms < 3_600_000 ? [60_000, 1_000, 'min', 's'] : ms < 86_400_000 ? [3_600_000, 60_000, 'h', 'min'] : [86_400_000, 3_600_000, 'd', 'h']
  const whole = Math.floor(ms / big)
  const rest = Math.floor((ms % big) / small)
  return rest ? `${whole} ${bigName} ${rest} ${smallName}` : `${whole} ${bigName}`
}

/** A clock that ticks once a second, shared by all that show ages, for as long as the page lives. */
const tick = ref(new Date())
setInterval(() => (tick.value = new Date()), 1_000)
export const useTick = (): Readonly<Ref<Date>> => tick
