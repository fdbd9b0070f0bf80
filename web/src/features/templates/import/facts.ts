import { text } from '@/locales/en/panel/eggs'

type Bag = Record<string, unknown>
const bag = (value: unknown): Bag => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Bag) : {})
const word = (value: unknown): string => (typeof value === 'string' ? value : '')
const MS = 1_000

/** How servers of a template are stopped, in words. */
export function stopWords(document: unknown): string {
  const stop = bag(bag(document).stop)
  const how = stop.kind === 'command' ? text.stopCommand(word(stop.line)) : text.stopSignal(word(stop.signal))
  return typeof stop.grace === 'number' ? how + text.graceOf(Math.round(stop.grace / MS)) : how
}

/** When one counts as running, in words. */
export function readyWords(document: unknown): string {
  const { lines } = bag(bag(document).ready)
  const all = (Array.isArray(lines) ? lines : []).map(bag).map((line) => (line.kind === 'regex' ? `/${word(line.pattern)}/` : word(line.text)))
  return all.length ? text.readyLines(all) : text.readyAtOnce
}

/** What sets one up, in words. */
export function installWords(document: unknown): string {
  const { install } = bag(document)
  if (typeof install !== 'object' || install === null) return text.installsNothing
  const image = word(bag(install).image)
  return image ? text.installsIn(image) : text.installs
}
