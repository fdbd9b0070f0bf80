import { fieldsOf, type FormField } from '@/app/forms/fields'
import { isFields, isSame, type Fields } from '@/app/forms/plain'

/** The arguments of a run as an object; null where they are something else. */
export const argsOf = (args: unknown): Fields | null => (isFields(args) ? args : null)

/**
 * The form of an action's arguments. Null where its schema does not tell of all that stands in them: then they are edited
 * as JSON, so that nothing is out of reach.
 */
export function formOf(schema: unknown, args: unknown): FormField[] | null {
  const fields = isFields(schema) ? fieldsOf(schema) : []
  const known = new Set(fields.map(({ name }) => name))
  const given = argsOf(args)
  return fields.length > 0 && given && Object.keys(given).every((name) => known.has(name)) ? fields : null
}

/** Arguments that were typed as JSON, or why they are none: what JSON says, or that it is no object. */
export function argsFrom(text: string): { args: Fields } | { wrong: string | null } {
  try {
    const args: unknown = JSON.parse(text)
    return isFields(args) ? { args } : { wrong: null }
  } catch (error) {
    return { wrong: (error as Error).message }
  }
}

const withoutNone = (value: unknown): unknown =>
  isFields(value) ? Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (inner === null || inner === undefined ? [] : [[name, withoutNone(inner)]]))) : value

/** Whether anything was changed; what is left out and what is null are the same. */
export const isChanged = (now: unknown, args: unknown): boolean => !isSame(withoutNone(now), withoutNone(args))
