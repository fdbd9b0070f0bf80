import type { Schemas } from '@/api/client'
import type { AltDocument } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'
import { fromStart, variableOf } from '../startup/changes'
import { fromLimits, toLimits, type LimitForm, type LimitName } from './limits'

/** A server as it is typed; empty means "as the template says", or "whatever is best". */
export interface ServerForm {
  alt: string
  name: string
  description: string
  project: string
  node: string
  ports: string
  install: boolean
  image: string
  startup: string
  values: Record<string, string>
  secrets: Record<string, string>
  limits: LimitForm
}
/** What was refused, by field; variables under `var.<name>`. */
export type Refused = Partial<Record<'alt' | 'name' | 'description' | 'project' | 'node' | 'ports' | 'image' | 'startup' | LimitName | `var.${string}`, string>>

const NAME = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/
const MAX_NAME = 40
const MAX_PORTS = 32

export const emptyForm = (alt = ''): ServerForm => ({
  alt,
  name: '',
  description: '',
  project: '',
  node: '',
  ports: '1',
  install: true,
  image: '',
  startup: '',
  values: {},
  secrets: {},
  limits: toLimits(undefined),
})

/** A form in the API's words, and what is wrong with it at once; the rest is said by the plan. */
export function fromForm(form: ServerForm, alt: AltDocument | undefined): { wanted: Schemas['NewServer']; refused: Refused } {
  const words = text.create
  const refused: Refused = {}
  const name = form.name.trim()
  if (!form.alt) refused.alt = words.altMissing
  if (!name) refused.name = words.nameMissing
  else if (!NAME.test(name) || name.length > MAX_NAME) refused.name = words.nameBad
  const ports = Number(form.ports)
  if (!/^\d+$/.test(String(form.ports).trim()) || ports > MAX_PORTS) refused.ports = words.portsBad
  const { limits, wrong } = fromLimits(form.limits)
  for (const limit of wrong) refused[limit] = text.limits.whole
  const start = alt ? fromStart(form, alt) : {}
  const settings: Schemas['ServerSettings'] = { ...start, limits, ...(form.description.trim() ? { description: form.description.trim() } : {}), allocationLimit: Math.max(1, ports || 0) }
  const wanted: Schemas['NewServer'] = { name, altId: form.alt, ports, install: form.install, settings }
  if (form.node) wanted.nodeId = form.node
  if (form.project) wanted.projectId = form.project
  return { wanted, refused }
}

const BODY: Record<string, keyof Refused> = { name: 'name', altId: 'alt', alt: 'alt', nodeId: 'node', node: 'node', projectId: 'project', project: 'project', ports: 'ports', allocations: 'ports' }
const SETTINGS = new Set(['description', 'image', 'startup'])
const LIMITS = new Set(['memory', 'swap', 'cpuPercent', 'disk', 'pids'])

/** Beside which field of the form a refusal of the API belongs; null where it concerns all of it. */
export function placeOf(code: string, field: string | null): keyof Refused | null {
  if (code === 'server.no_room' || code.startsWith('node.') || code === 'placement.none') return 'node'
  if (code.startsWith('allocation.')) return 'ports'
  if (code === 'name.taken') return 'name'
  if (!field) return null
  const variable = variableOf(field)
  if (variable) return `var.${variable}`
  const [first = '', second = '', third = ''] = field.split('.')
  if (first !== 'settings') return BODY[first] ?? null
  if (SETTINGS.has(second)) return second as keyof Refused
  if (second === 'limits' && LIMITS.has(third)) return third as keyof Refused
  return null
}
