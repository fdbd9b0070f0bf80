import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'

/** Lines around a change. */
const CONTEXT = 2

/** A template as lines that people compare: keys in one order, a script line by line, whatever order its database keeps. */
export const linesOf = (document: unknown): string => stringify(document, { sortMapEntries: true, lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false })

/** What changes from one template to another, as a patch; empty where nothing does. */
export function differenceOf(before: unknown, after: unknown): string {
  const [old, fresh] = [linesOf(before), linesOf(after)]
  return old === fresh ? '' : createTwoFilesPatch('before', 'after', old, fresh, '', '', { context: CONTEXT })
}
