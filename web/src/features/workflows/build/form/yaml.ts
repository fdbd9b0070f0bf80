import { parse, stringify } from 'yaml'
import { isItself, type Notation } from '@/app/forms/notation'

/** Values as a document writes them: YAML, with expressions. */
export const YAML_NOTATION: Notation = {
  expressions: true,
  print: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  parse: (text) => parse(text) as unknown,
  isPlain: (text) => isItself(text, parse),
}
