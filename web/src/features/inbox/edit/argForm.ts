/** One argument of an action as it is typed. */
export interface Field {
  name: string
  kind: 'text' | 'number' | 'flag' | 'json'
  text: string
}

const asField = (name: string, value: unknown): Field => {
  if (typeof value === 'string') return { name, kind: 'text', text: value }
  if (typeof value === 'number') return { name, kind: 'number', text: String(value) }
  if (typeof value === 'boolean') return { name, kind: 'flag', text: String(value) }
  return { name, kind: 'json', text: JSON.stringify(value, null, 2) }
}

/** A field for each argument; what is built of parts is edited as JSON. */
export const fieldsOf = (args: unknown): Field[] =>
  typeof args === 'object' && args !== null && !Array.isArray(args) ? Object.entries(args).map(([name, value]) => asField(name, value)) : []

/** Why a field's text is no value of its kind: `number`, or what JSON says. Null where it is one. */
export function fault({ kind, text }: Field): 'number' | { json: string } | null {
  if (kind === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? null : 'number'
  if (kind !== 'json') return null
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return { json: (error as Error).message }
  }
}

const valueOf = ({ kind, text }: Field): unknown =>
  kind === 'number' ? Number(text) : kind === 'flag' ? text === 'true' : kind === 'json' ? (JSON.parse(text) as unknown) : text

/** The arguments again; null where one of them is none. */
export const argsOf = (fields: readonly Field[]): Record<string, unknown> | null =>
  fields.some((field) => fault(field) !== null) ? null : Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]))

/** Whether anything was changed. */
export const isChanged = (fields: readonly Field[], args: unknown): boolean => {
  const now = argsOf(fields)
  return now !== null && JSON.stringify(now) !== JSON.stringify(args)
}
