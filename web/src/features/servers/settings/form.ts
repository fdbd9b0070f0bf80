import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/panel/servers'
import { fromLimits, LIMITS, toLimits, type LimitForm, type LimitName } from '../create/limits'

type Server = Pick<Schemas['Server'], 'name' | 'ownerId' | 'settings'>
export type RestartName = 'maxCrashes' | 'window' | 'firstDelay' | 'maxDelay'
export const RESTARTS: RestartName[] = ['maxCrashes', 'window', 'firstDelay', 'maxDelay']
/** What a server has where it says nothing. */
const USUAL: Schemas['RestartRule'] = { firstDelay: 250, maxDelay: 30_000, maxCrashes: 10, window: 600_000 }
const MAX_PORTS = 200

export interface SettingsForm {
  name: string
  owner: string
  description: string
  ports: string
  limits: LimitForm
  restart: Record<RestartName, string>
}
export type Refused = Partial<Record<'name' | 'owner' | 'description' | 'ports' | LimitName | RestartName, string>>

const scale = (name: RestartName): number => (name === 'maxCrashes' ? 1 : 1_000)

export function toForm({ name, ownerId, settings }: Server): SettingsForm {
  const rule = { ...USUAL, ...settings.restart }
  const shown = (field: RestartName): string => String(rule[field] / scale(field))
  return {
    name,
    owner: ownerId,
    description: settings.description ?? '',
    ports: String(settings.allocationLimit ?? 1),
    limits: toLimits(settings.limits),
    restart: { maxCrashes: shown('maxCrashes'), window: shown('window'), firstDelay: shown('firstDelay'), maxDelay: shown('maxDelay') },
  }
}

/** A form in the API's words, and what in it cannot be read. */
export function fromForm(form: SettingsForm, before: Schemas['ServerSettings']): { settings: Schemas['ServerSettings']; refused: Refused } {
  const refused: Refused = {}
  const { limits, wrong } = fromLimits(form.limits)
  for (const name of wrong) refused[name] = text.limits.whole
  const restart = { ...USUAL, ...before.restart }
  for (const name of RESTARTS) {
    const typed = String(form.restart[name]).trim()
    const value = Number(typed) * scale(name)
    if (!typed || !(value >= 0) || !Number.isInteger(value)) refused[name] = text.settings.seconds
    else restart[name] = value
  }
  const ports = Number(form.ports)
  if (!/^\d+$/.test(String(form.ports).trim()) || ports > MAX_PORTS) refused.ports = text.settings.portsBad
  return { settings: { ...before, description: form.description, allocationLimit: ports, limits, restart }, refused }
}

/** What differs, one line each. */
export function settingsChanges(before: SettingsForm, after: SettingsForm, ownerName: (id: string) => string): string[] {
  const { lines } = text.settings
  const found: string[] = []
  if (before.name !== after.name) found.push(lines.name(after.name))
  if (before.owner !== after.owner) found.push(lines.owner(ownerName(after.owner)))
  if (before.description !== after.description) found.push(lines.description)
  for (const name of LIMITS) {
    if (before.limits[name] !== after.limits[name]) found.push(lines.limit(text.limits[name].label, after.limits[name] || text.limits.none))
  }
  if (before.ports !== after.ports) found.push(lines.ports(Number(after.ports)))
  if (RESTARTS.some((name) => before.restart[name] !== after.restart[name])) found.push(lines.restart)
  return found
}

/** The field of a refusal, as it is called in the form. */
export const fieldIn = (field: string): string => field.replace(/^settings\.(limits\.|restart\.)?/, '').replace('ownerId', 'owner').replace('allocationLimit', 'ports')
