import { Document, isScalar, Scalar, visit } from 'yaml'
import { isFields } from './source'

/** A value in one line is no longer than this. */
const MAX_INLINE = 100
/** Lists of these are never put into one line: they are what a document is about. */
const IN_BLOCKS = new Set(['steps', 'onFailure', 'catch', 'branch', 'triggers'])
const INDENT = 2

/** How a text was quoted before; a new one in its place is quoted alike. */
export type Quotes = Scalar.Type | undefined

/** A value in one line: YAML, or JSON where the whole document is that. */
export function inline(value: unknown, isJson: boolean, inFlow = true, quotes?: Quotes): string {
  if (isJson) return JSON.stringify(value) ?? 'null'
  const tree = new Document(value, { version: '1.2' })
  visit(tree, {
    Scalar(_, node) {
      if (typeof node.value !== 'string') return
      if (quotes === Scalar.QUOTE_SINGLE || quotes === Scalar.QUOTE_DOUBLE) node.type = quotes
      // Braces and line ends need quotes inside braces; expressions get them everywhere, so that a document reads evenly.
      else if (node.value.includes('${{') || node.value.includes('\n')) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  if (isScalar(tree.contents) && !inFlow) return tree.toString({ lineWidth: 0 }).trimEnd()
  if (!isScalar(tree.contents)) return tree.toString({ lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: true }).trimEnd()
  // A scalar inside braces: what is plain outside of them may not be plain in them.
  const whole = new Document([tree.contents], { version: '1.2' }).toString({ lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: true }).trim()
  return whole.slice(1, -1).trim()
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0
const isLines = (value: unknown): value is string => typeof value === 'string' && value.trimEnd().includes('\n')

function isBlock(key: string, value: unknown, column: number): boolean {
  if (typeof value !== 'object' || value === null || isEmpty(value)) return isLines(value)
  if (Array.isArray(value) ? IN_BLOCKS.has(key) : Object.keys(value).some((inner) => IN_BLOCKS.has(inner))) return true
  return column + key.length + inline(value, false).length > MAX_INLINE
}

const pad = (column: number): string => ' '.repeat(column)

/** `key: value` as lines; the first without its indent. */
export function pairLines(key: string, value: unknown, column: number): string[] {
  const name = inline(key, false, false)
  if (!isBlock(key, value, column)) return [`${name}: ${inline(value, false, false)}`]
  if (isLines(value)) {
    const ending = value.endsWith('\n') ? '' : '-'
    return [`${name}: |${ending}`, ...value.replace(/\n$/, '').split('\n').map((line) => (line ? `${pad(column + INDENT)}${line}` : ''))]
  }
  const inner = column + INDENT
  if (Array.isArray(value)) return [`${name}:`, ...value.flatMap((item) => itemLines(item, inner).map((line, at) => (at ? line : `${pad(inner)}${line}`)))]
  return [`${name}:`, ...fieldLines(value as Record<string, unknown>, inner).map((line, at) => (at ? line : `${pad(inner)}${line}`))]
}

/** The fields of a map as lines; the first without its indent. */
function fieldLines(value: Record<string, unknown>, column: number): string[] {
  return Object.entries(value).flatMap(([key, field], nth) => pairLines(key, field, column).map((line, at) => (at === 0 && nth > 0 ? `${pad(column)}${line}` : line)))
}

/** `- item` as lines; the first without its indent. */
export function itemLines(value: unknown, column: number): string[] {
  if (!isFields(value) || isEmpty(value)) return [`- ${inline(value, false, false)}`]
  const [first, ...more] = fieldLines(value, column + INDENT)
  return [`- ${first}`, ...more]
}
