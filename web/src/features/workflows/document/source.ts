import { isFields, isSame, type Fields } from '@/app/forms/plain'
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair, type YAMLMap } from 'yaml'

/** Where something stands in a document: keys of maps and places in lists, from the outside in. */
export type Path = readonly (string | number)[]
export { isFields, isSame, type Fields }

/** A document that could be read: its text, the places of everything in it, and its plain value. */
export interface Source {
  text: string
  tree: Document.Parsed
  lines: LineCounter
  value: Fields
  isJson: boolean
}

/** Why a text is no document, and in which line. */
export interface Unread {
  message: string
  line: number | null
}

/** A hundred names for one value are more than any document has; millions would fill the memory. */
const MAX_ALIASES = 100

/** Reads YAML or JSON. */
export function read(text: string): Source | Unread {
  const lines = new LineCounter()
  try {
    const tree = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true })
    const [error] = tree.errors
    if (error) return { message: error.message, line: lines.linePos(error.pos[0]).line }
    const value: unknown = tree.toJS({ maxAliasCount: MAX_ALIASES })
    if (!isFields(value)) return { message: 'A document is a map of fields.', line: null }
    return { text, tree, lines, value, isJson: text.trimStart().startsWith('{') }
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), line: null }
  }
}

export const isRead = (found: Source | Unread): found is Source => 'tree' in found

/** What stands at a place of a plain value. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const key of path) {
    if (Array.isArray(found)) found = (found as unknown[])[Number(key)]
    else if (isFields(found)) found = found[String(key)]
    else return undefined
  }
  return found
}

export const keyOf = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : String(key))
export const pairOf = (map: YAMLMap, key: string | number): Pair | undefined => map.items.find((pair) => keyOf(pair) === String(key))

/** The node at a place; null where none stands there, or where it is only a name for another one. */
export function nodeAt({ tree }: Source, path: Path): Node | null {
  let node: unknown = tree.contents
  for (const key of path) {
    if (isMap(node)) node = pairOf(node, key)?.value
    else if (isSeq(node)) node = node.items[Number(key)]
    else return null
  }
  return (node as Node | null | undefined) ?? null
}

/** Line of what stands at a place, or of the nearest thing around it; from 1. */
export function lineOf(source: Source, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const around = nodeAt(source, path.slice(0, length - 1))
    const key = path[length - 1]!
    const found = isMap(around) ? (pairOf(around, key)?.key as Node | undefined) : isSeq(around) ? (around.items[Number(key)] as Node | undefined) : undefined
    const at = found?.range?.[0]
    if (at !== undefined) return source.lines.linePos(at).line
  }
  return 1
}

/** First and last line of what stands at a place. */
export function linesOf(source: Source, path: Path): [number, number] {
  const first = lineOf(source, path)
  const range = nodeAt(source, path)?.range
  if (!range) return [first, first]
  const end = range[0] + source.text.slice(range[0], range[1]).trimEnd().length
  return [first, Math.max(first, source.lines.linePos(Math.max(range[0], end - 1)).line)]
}
