type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a document says of its input: a schema, that there is none (null), or something this page does not read. */
export type Inputs = { schema: Fields | null } | 'unread'

export interface Field {
  name: string
  label: string
  hint: string
  kind: 'string' | 'number' | 'integer' | 'boolean' | 'enum'
  required: boolean
  /** Of an enum. */
  options: unknown[]
  initial: unknown
}

const SIMPLE = ['string', 'number', 'integer', 'boolean'] as const

function fieldOf(name: string, raw: unknown, required: boolean): Field | null {
  if (!isFields(raw)) return null
  const types = [raw.type].flat().filter((type) => type !== 'null')
  const kind = Array.isArray(raw.enum) ? 'enum' : types.length === 1 ? SIMPLE.find((simple) => simple === types[0]) : undefined
  if (!kind) return null
  const told = (value: unknown): string => (typeof value === 'string' ? value : '')
  return { name, label: told(raw.title) || name, hint: told(raw.description), kind, required, options: kind === 'enum' ? (raw.enum as unknown[]) : [], initial: raw.default }
}

/** The simple properties of a schema as fields, and the names of those that only JSON can say. */
export function fieldsOf(schema: Fields): { fields: Field[]; rest: string[] } {
  const properties = isFields(schema.properties) ? schema.properties : {}
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const fields: Field[] = []
  const rest: string[] = []
  for (const [name, raw] of Object.entries(properties)) {
    const field = fieldOf(name, raw, required.has(name))
    if (field) fields.push(field)
    else rest.push(name)
  }
  return { fields, rest }
}

/** What is typed, by field; an enum by the place of its option. */
export type Typed = Record<string, string>

/** What fields show for a value; what is absent shows its default where the value is new. */
export function typedOf(fields: readonly Field[], value: Fields | null): Typed {
  return Object.fromEntries(
    fields.map(({ name, kind, options, initial }) => {
      const found = value ? value[name] : initial
      if (found === undefined || found === null) return [name, '']
      return [name, kind === 'enum' ? String(Math.max(-1, options.indexOf(found))).replace('-1', '') : String(found)]
    }),
  )
}

export type Wrong = 'needed' | 'noNumber' | 'noInteger'

function read({ kind, required, options }: Field, typed: string): { value?: unknown; wrong?: Wrong } {
  if (typed === '') return required ? { wrong: 'needed' } : {}
  if (kind === 'string') return { value: typed }
  if (kind === 'boolean') return { value: typed === 'true' }
  if (kind === 'enum') return { value: options[Number(typed)] }
  const number = typed.trim() === '' ? NaN : Number(typed)
  if (!Number.isFinite(number)) return { wrong: 'noNumber' }
  return kind === 'integer' && !Number.isInteger(number) ? { wrong: 'noInteger' } : { value: number }
}

/** The input that was typed, on top of what no field shows; and what is wrong with it, by field. */
export function inputFrom(fields: readonly Field[], typed: Typed, base: Fields): { value: Fields; wrong: Record<string, Wrong> } {
  const value = { ...base }
  const wrong: Record<string, Wrong> = {}
  for (const field of fields) {
    const found = read(field, typed[field.name] ?? '')
    delete value[field.name]
    if (found.wrong) wrong[field.name] = found.wrong
    else if (found.value !== undefined) value[field.name] = found.value
  }
  return { value, wrong }
}

/** A JSON object, or why it is none. */
export function objectFrom(text: string): { value: Fields } | { wrong: 'noJson' | 'noObject' } {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text)
    return isFields(value) ? { value } : { wrong: 'noObject' }
  } catch {
    return { wrong: 'noJson' }
  }
}
