import { text } from '@/locales/en/apps/schedules'

const words = text.cron
const SHORT: Record<string, string> = { '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@weekly': '0 0 * * 0', '@monthly': '0 0 1 * *', '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *' }

/** A plain number within its bounds; null for everything else. */
function number(field: string, most: number, least = 0): number | null {
  const value = /^\d{1,2}$/.test(field) ? Number(field) : NaN
  return value >= least && value <= most ? value : null
}
/** The step of a star slash n that divides its hour or day into equal parts; others begin anew with each and are no "every n". */
function step(field: string, whole: number): number | null {
  const value = number(/^\*\/(\d{1,2})$/.exec(field)?.[1] ?? '', whole - 1, 2)
  return value !== null && whole % value === 0 ? value : null
}

/** A cron line in words where it is of a common kind; null where only the line itself says it. What it means exactly is the API's to say. */
export function cronInWords(line: string): string | null {
  const plain = line.trim().toLowerCase()
  const fields = (SHORT[plain] ?? plain).split(/\s+/)
  if (fields.length !== 5) return null
  const [minutes, hours, date, month, weekday] = fields as [string, string, string, string, string]
  const isEveryDay = date === '*' && month === '*' && weekday === '*'
  const minute = number(minutes, 59)
  if (isEveryDay && hours === '*') {
    const every = step(minutes, 60)
    if (minutes === '*') return words.minute
    if (every !== null) return words.minutes(every)
    return minute === null ? null : words.hour(minute)
  }
  if (minute === null) return null
  const everyHours = step(hours, 24)
  if (isEveryDay && everyHours !== null) return words.hours(everyHours, minute)
  const hour = number(hours, 23)
  if (hour === null) return null
  const at = words.at(hour, minute)
  if (isEveryDay) return words.daily(at)
  if (date === '*' && month === '*') return onWeekdays(weekday, at)
  if (weekday !== '*') return null
  if (date === '1' && month === '1') return words.yearly(at)
  if (month !== '*') return null
  if (date === 'l') return words.lastDay(at)
  const dayOfMonth = number(date, 31, 1)
  return dayOfMonth === null ? null : words.monthly(dayOfMonth, at)
}

function onWeekdays(field: string, at: string): string | null {
  const [first = '', last, more] = field.split('-')
  const from = number(first, 7)
  if (from === null || more !== undefined) return null
  if (last === undefined) return words.weekday(from, at)
  const to = number(last, 7)
  return to === null || to <= from ? null : words.weekdays(from, to, at)
}
