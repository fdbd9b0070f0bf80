import { isSame } from './plain'

/** How a field writes what is built of parts, and whether a value may be an expression in its place. */
export interface Notation {
  expressions: boolean
  print: (value: unknown) => string
  /** Throws where the text is none of it. */
  parse: (text: string) => unknown
  /** Whether a text stands for itself, without quotes. */
  isPlain: (text: string) => boolean
}

/** Values as the API takes them. */
export const JSON_NOTATION: Notation = {
  expressions: false,
  print: (value) => JSON.stringify(value, null, 2),
  parse: (text) => JSON.parse(text) as unknown,
  isPlain: () => false,
}

/** Whether `parse` reads a text as itself. */
export function isItself(text: string, parse: (text: string) => unknown): boolean {
  try {
    return isSame(parse(text), text)
  } catch {
    return false
  }
}
