import type { Inputs } from '../input/inputs'
import { isFields, isRead, read } from './source'

/** The `inputs` of a document, JSON or YAML. */
export function inputsOf(document: string): Inputs {
  const found = read(document)
  if (!isRead(found)) return 'unread'
  const { inputs } = found.value
  return inputs === undefined || inputs === null ? { schema: null } : isFields(inputs) ? { schema: inputs } : 'unread'
}
