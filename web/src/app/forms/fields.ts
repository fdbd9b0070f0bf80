import type { Notation } from './notation'
import { isFields, type Fields } from './plain'

// Forms made from JSON Schemas: the arguments of an action, the parts of a step, the input of a workflow.

export type Control = 'text' | 'lines' | 'number' | 'integer' | 'boolean' | 'choice' | 'data' | 'group'

export interface FormField {
  name: string
  label: string
  hint: string
  control: Control
  isNeeded: boolean
  /** Of a choice. */
  options: string[]
  /** What an id is of. */
  target: string | null
  /** Of a group. */
  fields: FormField[]
}

/** Groups within groups are told as data. */
const MAX_DEPTH = 2

/** `escalateAfter` as people read it: Escalate after. */
const spelled = (name: string): string => {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
const told = (value: unknown): string => (typeof value === 'string' ? value : '')

function resolved(raw: unknown, root: Fields): Fields {
  if (!isFields(raw)) return {}
  const { $ref: name, anyOf: any, ...rest } = raw
  if (typeof name === 'string') {
    const found = name.startsWith('#/') ? name.slice(2).split('/').reduce<unknown>((at, part) => (isFields(at) ? at[part] : undefined), root) : undefined
    return { ...resolved(found, root), ...rest }
  }
  // Something, or null: the field may be left out.
  const given = Array.isArray(any) ? any.filter((one) => !(isFields(one) && one.type === 'null')) : []
  return given.length === 1 ? { ...resolved(given[0], root), ...rest } : raw
}

function controlOf(schema: Fields, depth: number): Control {
  const [type, ...others] = [schema.type].flat().filter((one) => one !== 'null')
  if (Array.isArray(schema.enum) || (Array.isArray(schema.oneOf) && schema.oneOf.every((one) => isFields(one) && typeof one.const === 'string'))) return 'choice'
  if (others.length > 0) return 'data'
  if (type === 'string') return schema['x-lines'] ? 'lines' : 'text'
  if (type === 'number' || type === 'integer' || type === 'boolean') return type
  return type === 'object' && isFields(schema.properties) && depth < MAX_DEPTH ? 'group' : 'data'
}

/** The properties of a schema as fields, needed ones first; `without` names those that are told otherwise. */
export function fieldsOf(raw: unknown, without: readonly string[] = [], root: Fields = isFields(raw) ? raw : {}, depth = 0): FormField[] {
  const schema = resolved(raw, root)
  const needed = new Set(Array.isArray(schema.required) ? schema.required : [])
  const fields = Object.entries(isFields(schema.properties) ? schema.properties : {})
    .filter(([name]) => !without.includes(name))
    .map(([name, property]): FormField => {
      const own = resolved(property, root)
      const control = controlOf(own, depth)
      const options = control !== 'choice' ? [] : Array.isArray(own.enum) ? own.enum.map(String) : (own.oneOf as Fields[]).map((one) => String(one.const))
      return {
        name,
        label: told(own.title) || spelled(name),
        hint: told(own.description).replace(/`([^`]+)`/g, '“$1”'),
        control,
        isNeeded: needed.has(name),
        options,
        target: told(own['x-target']) || null,
        fields: control === 'group' ? fieldsOf(own, [], root, depth + 1) : [],
      }
    })
  return [...fields.filter(({ isNeeded }) => isNeeded), ...fields.filter(({ isNeeded }) => !isNeeded)]
}

export const isExpression = (value: unknown): value is string => typeof value === 'string' && value.includes('${{')

/** A text that is one expression and nothing else. */
const isWhole = (typed: string): boolean => /^\s*\$\{\{[\s\S]*\}\}\s*$/.test(typed)

/** A value as it stands in its field. */
export function shownAs(control: Control, value: unknown, notation: Notation): string {
  if (value === undefined || value === null) return ''
  // A text in place of data is quoted where it would be read as something else.
  if (typeof value === 'string') return control !== 'data' || (notation.expressions && isWhole(value)) || notation.isPlain(value) ? value : JSON.stringify(value)
  if (control === 'data' || typeof value === 'object') return notation.print(value)
  return String(value)
}

export type Typed = { value: unknown } | { wrong: 'noNumber' | 'noInteger' | 'noData' }

/** The value of what was typed; undefined where the field is empty. An expression is good for a value of any kind. */
export function readAs(control: Control, typed: string, notation: Notation): Typed {
  if (typed.trim() === '') return { value: undefined }
  if (notation.expressions && isExpression(typed) && control !== 'data') return { value: typed }
  if (control === 'number' || control === 'integer') {
    const number = Number(typed)
    if (!Number.isFinite(number)) return { wrong: 'noNumber' }
    return control === 'number' || Number.isSafeInteger(number) ? { value: number } : { wrong: 'noInteger' }
  }
  if (control === 'boolean') return { value: typed === 'true' }
  if (control !== 'data' || (notation.expressions && isWhole(typed))) return { value: typed }
  try {
    return { value: notation.parse(typed) ?? undefined }
  } catch {
    return { wrong: 'noData' }
  }
}
