import { freshId } from './edits'
import { isFields, isRead, read, valueAt, type Fields, type Path, type Source } from './source'
import { change, changeAll, renameKey, type Change } from './splice'

// What starts a workflow and what it is given, and what people do to that. Each edit answers the changed document, or null
// where its text has to be changed by hand.

export const START_KINDS = ['cron', 'webhook'] as const
export type StartKind = (typeof START_KINDS)[number]

/** A trigger as it stands in the document. */
export interface Start {
  at: number
  path: Path
  id: string
  /** Null where it is none yet, or several. */
  kind: StartKind | null
  trigger: Fields
}

const told = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '')

export function startsIn(value: Fields): Start[] {
  const all: unknown[] = Array.isArray(value.triggers) ? value.triggers : []
  return all.map((raw, at) => {
    const trigger = isFields(raw) ? raw : {}
    const kinds = START_KINDS.filter((kind) => kind in trigger)
    return { at, path: ['triggers', at], id: told(trigger.id), kind: kinds.length === 1 ? kinds[0]! : null, trigger }
  })
}

const BEGIN: Record<StartKind, Fields> = {
  cron: { at: '0 3 * * *', timezone: 'UTC' },
  webhook: { scheme: 'standard', secret: 'WEBHOOK_SECRET' },
}
const NAMES: Record<StartKind, string> = { cron: 'schedule', webhook: 'hook' }

/** A trigger at the end of the list; `timezone` is whose calendar a new schedule goes by. */
export function addStart(source: Source, kind: StartKind, timezone: string): Source | null {
  const all = startsIn(source.value)
  const own = kind === 'cron' ? { ...BEGIN.cron, timezone } : BEGIN.webhook
  return change(source, { insert: ['triggers'], at: all.length, value: { id: freshId(NAMES[kind], all.map(({ id }) => id)), [kind]: own } })
}

export const removeStart = (source: Source, { path }: Start): Source | null =>
  change(source, { drop: startsIn(source.value).length > 1 ? path : ['triggers'] })

/** Started otherwise: what was said of the old way goes. */
export const turnStart = (source: Source, { path, trigger }: Start, kind: StartKind): Source | null =>
  changeAll(source, [
    { set: [...path, kind], value: BEGIN[kind] },
    ...START_KINDS.filter((other) => other !== kind && other in trigger).map((other): Change => ({ drop: [...path, other] })),
  ])

/** Schemes whose signature stands in a header that has to be named. */
export const NAMED_SCHEMES = ['hmac-sha256', 'token']
/** Signed otherwise; a header stands there where the scheme has one, and nowhere else. */
export function signBy(source: Source, { path, trigger }: Start, scheme: string): Source | null {
  const has = isFields(trigger.webhook) && 'header' in trigger.webhook
  const wants = NAMED_SCHEMES.includes(scheme)
  const header: Change[] = wants === has ? [] : [wants ? { set: [...path, 'webhook', 'header'], value: scheme === 'token' ? 'X-Gitlab-Token' : 'X-Signature' } : { drop: [...path, 'webhook', 'header'] }]
  return changeAll(source, [{ set: [...path, 'webhook', 'scheme'], value: scheme }, ...header])
}

export const INPUT_TYPES = ['string', 'integer', 'number', 'boolean', 'array', 'object'] as const
export type InputType = (typeof INPUT_TYPES)[number]

/** What a workflow is given, by name. */
export interface Input {
  name: string
  path: Path
  /** Null where the text says more than a type. */
  type: InputType | null
  isRequired: boolean
  description: string
  initial: unknown
}

const AT: Path = ['inputs']
const PROPERTIES: Path = ['inputs', 'properties']
const REQUIRED: Path = ['inputs', 'required']
const requiredIn = (value: Fields): string[] => {
  const found = valueAt(value, REQUIRED)
  return Array.isArray(found) ? found.map(String) : []
}

/** The inputs of a document; null where they are written in a way that a form does not tell of. */
export function inputsIn(value: Fields): Input[] | null {
  const { inputs } = value
  if (inputs === undefined || inputs === null) return []
  if (!isFields(inputs) || (inputs.properties !== undefined && !isFields(inputs.properties))) return null
  const required = requiredIn(value)
  return Object.entries(inputs.properties ?? {}).map(([name, raw]) => {
    const schema = isFields(raw) ? raw : {}
    return { name, path: [...PROPERTIES, name], type: INPUT_TYPES.find((type) => type === schema.type) ?? null, isRequired: required.includes(name), description: told(schema.description), initial: schema.default }
  })
}

export function addInput(source: Source): { source: Source; name: string } | null {
  const known = inputsIn(source.value)
  if (!known) return null
  const name = freshId('input', known.map((one) => one.name))
  const made = isFields(source.value.inputs)
    ? change(source, { set: [...PROPERTIES, name], value: { type: 'string' } })
    : change(source, { set: AT, value: { type: 'object', properties: { [name]: { type: 'string' } } } })
  return made && { source: made, name }
}

const setRequired = (required: readonly string[]): Change => (required.length ? { set: REQUIRED, value: required } : { drop: REQUIRED })

export function requireInput(source: Source, name: string, isOn: boolean): Source | null {
  const required = requiredIn(source.value)
  if (required.includes(name) === isOn) return source
  return change(source, setRequired(isOn ? [...required, name] : required.filter((one) => one !== name)))
}

/** Takes an input away; what triggers give for it goes with it. */
export function removeInput(source: Source, { name, isRequired, path }: Input): Source | null {
  if (inputsIn(source.value)?.length === 1) return changeAll(source, [...given(source, name), { drop: AT }])
  const required = isRequired ? [setRequired(requiredIn(source.value).filter((one) => one !== name))] : []
  return changeAll(source, [...given(source, name), ...required, { drop: path }])
}
const given = ({ value }: Source, name: string): Change[] =>
  startsIn(value).flatMap(({ trigger, path }) => (isFields(trigger.input) && name in trigger.input ? [{ drop: [...path, 'input', name] }] : []))

/** Another type; a default that is none of it goes. */
export function typeInput(source: Source, { path, initial }: Input, type: InputType): Source | null {
  const isOf = (value: unknown): boolean =>
    type === 'array' ? Array.isArray(value) : type === 'object' ? isFields(value) : type === 'integer' ? Number.isInteger(value) : typeof value === type
  return changeAll(source, [{ set: [...path, 'type'], value: type }, ...(initial === undefined || isOf(initial) ? [] : [{ drop: [...path, 'default'] }])])
}

/** Calls an input otherwise, wherever it is named: in the list of the required ones, in what triggers give, in expressions. */
export function renameInput(source: Source, { name, path, isRequired }: Input, to: string): Source | null {
  let found = renameKey(source, path, to)
  for (const { trigger, path: at } of startsIn(source.value)) {
    if (found && isFields(trigger.input) && name in trigger.input) found = renameKey(found, [...at, 'input', name], to)
  }
  if (found && isRequired) found = change(found, setRequired(requiredIn(source.value).map((one) => (one === name ? to : one))))
  if (!found) return null
  const named = new RegExp(`\\binputs\\.${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![A-Za-z0-9_])`, 'g')
  const made = read(found.text.replace(named, `inputs.${to}`))
  return isRead(made) ? made : null
}
