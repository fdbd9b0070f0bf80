import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import { inline, itemLines, pairLines, type Quotes } from './render'
import { isFields, isRead, isSame, keyOf, nodeAt, pairOf, read, valueAt, type Fields, type Path, type Source } from './source'

// Changes of a document's text that leave every other line as it was written: comments, blank lines, quotes, order.

/** One change of a document's value. */
export type Change = { set: Path; value: unknown } | { drop: Path } | { insert: Path; at: number; value: unknown }

/** The order in which fields of a document and of a step are written; a new one stands where people look for it. */
const ROOT = ['workflow', 'name', 'description', 'triggers', 'inputs', 'concurrency', 'timeout', 'steps', 'onFailure', 'output', 'outputs']
const ORDER = ['id', 'title', 'needs', 'if', 'action', 'query', 'approval', 'wait', 'map', 'branch', 'workflow', 'with', 'timeout', 'retry', 'allowFailure', 'catch']

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1
const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}
const cut = (text: string, from: number, to: number, put: string): string => text.slice(0, from) + put + text.slice(to)
const startOf = (node: unknown): number => (node as Node).range![0]
const columnOf = (text: string, at: number): number => at - lineStart(text, at)

/** Where a value ends, without what stands behind it. */
function endOf(text: string, node: Node): number {
  if (isMap(node) && !node.flow && node.items.length > 0) return endOfPair(text, node.items.at(-1)!)
  if (isSeq(node) && !node.flow && node.items.length > 0) return endOf(text, node.items.at(-1) as Node)
  const [from, to] = node.range!
  return from + text.slice(from, to).trimEnd().length
}
function endOfPair(text: string, { key, value }: Pair): number {
  const node = value as Node | null
  const named = (key as Node).range![1]
  const colon = named + (/^\s*:/.exec(text.slice(named))?.[0].length ?? 0)
  return node?.range ? Math.max(colon, endOf(text, node)) : colon
}

/** Whether what stands in a flow collection is written line by line, as in indented JSON. */
const isSpread = (text: string, from: number, to: number): boolean => text.slice(from, to).includes('\n')

/** Puts a part into a flow collection: behind `before`, in a line of its own where the others have theirs. */
function intoFlow(text: string, around: YAMLMap | YAMLSeq, before: number | null, part: string): string {
  const [from, to] = around.range!
  if (around.items.length === 0) {
    const inner = isMap(around) ? `{ ${part} }` : `[${part}]`
    return cut(text, from, to, inner)
  }
  const firstAt = isMap(around) ? startOf((around.items[0] as Pair).key) : startOf(around.items[0])
  const gap = isSpread(text, from, firstAt) ? `\n${' '.repeat(columnOf(text, firstAt))}` : ' '
  if (before === null) return cut(text, firstAt, firstAt, `${part},${gap}`)
  return cut(text, before, before, `,${gap}${part}`)
}

function setValue({ text, isJson }: Source, map: YAMLMap, pair: Pair, key: string, value: unknown): string {
  const old = pair.value as Node | null
  const end = endOfPair(text, pair)
  const start = startOf(pair.key)
  const quotes: Quotes = isScalar(old) && typeof value === 'string' ? old.type : undefined
  if (map.flow || isJson) {
    if (old?.range && end > old.range[0]) return cut(text, old.range[0], end, inline(value, isJson, true, quotes))
    return cut(text, start, end, `${inline(key, isJson)}: ${inline(value, isJson)}`)
  }
  const lines = pairLines(key, value, columnOf(text, start))
  const isOneLine = !!old?.range && end > old.range[0] && !isSpread(text, start, end)
  if (lines.length === 1 && isOneLine) return cut(text, old!.range![0], end, inline(value, false, false, quotes))
  // A comment behind the value stays in the line where the value begins.
  const tail = /^[ \t]+#.*/.exec(text.slice(end, lineEnd(text, end)))?.[0] ?? ''
  const [first, ...more] = lines
  return cut(text, start, end + tail.length, [first + tail, ...more].join('\n'))
}

function addPair({ text, isJson, tree }: Source, map: YAMLMap, key: string, value: unknown): string {
  if (map.flow || map.items.length === 0) {
    const part = `${inline(key, isJson)}: ${inline(value, isJson)}`
    return intoFlow(text, map, map.items.length ? endOfPair(text, map.items.at(-1)!) : null, part)
  }
  const order = map === tree.contents ? ROOT : ORDER
  const rank = order.indexOf(key)
  const before = (rank < 0 ? undefined : map.items.findLast((pair) => order.includes(keyOf(pair)) && order.indexOf(keyOf(pair)) < rank)) ?? map.items.at(rank === 0 ? 0 : -1)!
  const column = columnOf(text, startOf(map.items[0]!.key))
  const at = lineEnd(text, endOfPair(text, before))
  return cut(text, at, at, `\n${' '.repeat(column)}${pairLines(key, value, column).join('\n')}`)
}

/** The value with `rest` of a path around it: `['a', 'b']` makes `{ a: { b: value } }`. */
const nested = (rest: Path, value: unknown): unknown => rest.reduceRight<unknown>((inner, key) => (typeof key === 'number' ? [inner] : { [key]: inner }), value)

function set(source: Source, path: Path, value: unknown): string | null {
  let node: unknown = source.tree.contents
  for (const [at, key] of path.entries()) {
    const rest = path.slice(at + 1)
    if (isMap(node)) {
      const pair = pairOf(node, key)
      if (!pair) return addPair(source, node, String(key), nested(rest, value))
      const inner = pair.value as Node | null
      if (rest.length === 0 || !inner || (isScalar(inner) && inner.value === null)) return setValue(source, node, pair, String(key), nested(rest, value))
      node = inner
    } else if (isSeq(node)) {
      const item = node.items[Number(key)] as Node | undefined
      if (!item) return null
      if (rest.length === 0) return cut(source.text, startOf(item), endOf(source.text, item), inline(value, source.isJson))
      node = item
    } else return null
  }
  return null
}

/** Where an item of a list in lines begins: with the comments right above it, which are about it. */
function leadOf(text: string, item: Node): number {
  const dash = text.lastIndexOf('-', startOf(item))
  let from = lineStart(text, dash)
  const comment = new RegExp(`^ {${dash - from}}#`)
  for (let above = lineStart(text, from - 1); from > 0 && comment.test(text.slice(above, from)); above = lineStart(text, from - 1)) from = above
  return from
}

function insert(source: Source, path: Path, at: number, value: unknown): string | null {
  const { text, isJson } = source
  const list = nodeAt(source, path)
  if (!isSeq(list) || (list.items.length === 0 && !isJson)) return set(source, path, [value])
  const before = at > 0 ? (list.items[at - 1] as Node) : null
  if (list.flow || isJson) return intoFlow(text, list, before && endOf(text, before), inline(value, isJson))
  const first = list.items[0] as Node
  const column = columnOf(text, text.lastIndexOf('-', startOf(first)))
  const lines = itemLines(value, column).join('\n')
  const second = list.items[1] as Node | undefined
  const isAiry = !!second && /\n[ \t]*\n/.test(text.slice(endOf(text, first), startOf(second)))
  if (!before) {
    const from = leadOf(text, first)
    return cut(text, from, from, `${' '.repeat(column)}${lines}\n${isAiry ? '\n' : ''}`)
  }
  const end = lineEnd(text, endOf(text, before))
  return cut(text, end, end, `\n${isAiry ? '\n' : ''}${' '.repeat(column)}${lines}`)
}

/** Takes one part of a flow collection away, with the comma that belonged to it. */
const outOfFlow = (text: string, parts: [number, number][], at: number): string =>
  at + 1 < parts.length ? cut(text, parts[at]![0], parts[at + 1]![0], '') : cut(text, parts[at - 1]![1], parts[at]![1], '')

function dropPair({ text }: Source, map: YAMLMap, at: number): string {
  const pair = map.items[at]!
  if (map.flow) return outOfFlow(text, map.items.map((one) => [startOf(one.key), endOfPair(text, one)]), at)
  const start = startOf(pair.key)
  const from = lineStart(text, start)
  // Behind a dash the next field comes up beside it.
  if (text.slice(from, start).trim() !== '') return cut(text, start, startOf(map.items[at + 1]!.key), '')
  return cut(text, from, lineEnd(text, endOfPair(text, pair)) + 1, '')
}

function dropItem({ text }: Source, list: YAMLSeq, at: number): string {
  const items = list.items as Node[]
  if (list.flow) return outOfFlow(text, items.map((one) => [startOf(one), endOf(text, one)]), at)
  const from = leadOf(text, items[at]!)
  if (at + 1 < items.length) return cut(text, from, leadOf(text, items[at + 1]!), '')
  // The last one: blank lines above it went with it.
  const end = lineEnd(text, endOf(text, items[at]!))
  const kept = lineEnd(text, endOf(text, items[at - 1]!))
  return text.slice(kept, from).trim() === '' ? cut(text, kept, end, '') : cut(text, from, end + 1, '')
}

function drop(source: Source, path: Path): string | null {
  const around = nodeAt(source, path.slice(0, -1))
  const key = path.at(-1)!
  if (isMap(around)) {
    const at = around.items.findIndex((pair) => keyOf(pair) === String(key))
    if (at < 0) return null
    if (around.items.length > 1) return dropPair(source, around, at)
    // Nothing is left of it.
    return path.length > 1 && typeof path.at(-2) === 'string' ? drop(source, path.slice(0, -1)) : null
  }
  if (!isSeq(around) || !around.items[Number(key)]) return null
  return around.items.length > 1 ? dropItem(source, around, Number(key)) : set(source, path.slice(0, -1), [])
}

/** The plain value after a change: what a changed text has to come to. */
export function changed(value: Fields, change: Change): Fields {
  const whole = structuredClone(value)
  const path = 'set' in change ? change.set : 'drop' in change ? change.drop : [...change.insert, change.at]
  let around: unknown = whole
  for (const [at, key] of path.slice(0, -1).entries()) {
    const inside = around as Record<string | number, unknown>
    inside[key] ??= typeof path[at + 1] === 'number' ? [] : {}
    around = inside[key]
  }
  const key = path.at(-1)!
  if ('drop' in change) {
    if (Array.isArray(around)) around.splice(Number(key), 1)
    else if (isFields(around)) delete around[key]
    const outer = path.slice(0, -1)
    if (isFields(around) && Object.keys(around).length === 0 && typeof outer.at(-1) === 'string') return changed(value, { drop: outer })
  } else if ('insert' in change) (around as unknown[]).splice(change.at, 0, change.value)
  else (around as Record<string | number, unknown>)[key] = change.value
  return whole
}

/** A document with a change made; null where it cannot be made, so that the text has to be changed by hand. */
export function change(source: Source, wanted: Change): Source | null {
  const text = 'set' in wanted ? set(source, wanted.set, wanted.value) : 'drop' in wanted ? drop(source, wanted.drop) : insert(source, wanted.insert, wanted.at, wanted.value)
  if (text === null) return null
  // A text may be written in ways that are not foreseen here; what would mean something else is not taken.
  const found = read(text)
  return isRead(found) && isSame(found.value, changed(source.value, wanted)) ? found : null
}

/** Several changes, each on what the one before it left. */
export function changeAll(source: Source, wanted: readonly Change[]): Source | null {
  let found: Source | null = source
  for (const one of wanted) {
    if (!found) return null
    found = change(found, one)
  }
  return found
}

/** A document with a field called otherwise, in its place; null where it cannot be, or another one is called so. */
export function renameKey(source: Source, path: Path, to: string): Source | null {
  const around = nodeAt(source, path.slice(0, -1))
  const pair = isMap(around) ? pairOf(around, path.at(-1)!) : undefined
  const range = (pair?.key as Node | undefined)?.range
  if (!isMap(around) || !range || pairOf(around, to)) return null
  const found = read(cut(source.text, range[0], range[1], inline(to, source.isJson)))
  if (!isRead(found)) return null
  const value = valueAt(source.value, path)
  return isSame(found.value, changed(changed(source.value, { set: [...path.slice(0, -1), to], value }), { drop: path })) ? found : null
}
