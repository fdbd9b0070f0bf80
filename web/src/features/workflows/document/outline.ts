import { isFields, type Fields, type Path } from './source'

export const KINDS = ['action', 'query', 'approval', 'wait', 'map', 'branch', 'workflow', 'tool', 'agent', 'script'] as const
export type Kind = (typeof KINDS)[number] | 'none'

/** What the steps of a block are for. */
export type Role = 'steps' | 'onFailure' | 'map' | 'case' | 'catch'

/** Steps beside each other. */
export interface Block {
  key: string
  path: Path
  role: Role
  /** Of a case: when it is taken; empty where it always is. */
  condition: string
  items: Item[]
}

/** A step as it stands in the document. */
export interface Item {
  /** Its id where that is one of its own, else its place: what it is found by. */
  key: string
  id: string
  title: string
  kind: Kind
  /** What it does, in the document's words. */
  what: string
  path: Path
  block: Path
  at: number
  /** Ids of the steps beside it that end first, the unwritten one included. */
  needs: string[]
  /** Nothing is written: it needs the step before it. */
  isImplicit: boolean
  blocks: Block[]
  step: Fields
}

export const placeKey = (path: Path): string => path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('').replace(/^\./, '')
const told = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '')

function whatOf(kind: Kind, step: Fields): string {
  const of = kind === 'none' ? null : step[kind]
  if (isFields(of)) return told(of.message) || told(of.over) || told(of.for) || told(of.until) || told(of.event)
  return told(of)
}

function blocksOf(step: Fields, path: Path, seen: Set<string>): Block[] {
  const found: Block[] = []
  const add = (steps: unknown, role: Role, inner: Path, condition = ''): void => {
    if (Array.isArray(steps)) found.push({ key: placeKey(inner), path: inner, role, condition, items: itemsOf(steps, inner, seen) })
  }
  if (isFields(step.map)) add(step.map.steps ?? [], 'map', [...path, 'map', 'steps'])
  if (Array.isArray(step.branch)) {
    for (const [at, one] of step.branch.entries()) if (isFields(one)) add(one.steps ?? [], 'case', [...path, 'branch', at, 'steps'], told(one.if))
  }
  if (Array.isArray(step.catch) && step.catch.length > 0) add(step.catch, 'catch', [...path, 'catch'])
  return found
}

function itemsOf(steps: readonly unknown[], block: Path, seen: Set<string>): Item[] {
  return steps.map((raw, at) => {
    const step = isFields(raw) ? raw : {}
    const path = [...block, at]
    const id = told(step.id)
    const isOwn = id !== '' && !seen.has(id)
    seen.add(id)
    const kind = KINDS.find((one) => step[one] !== undefined) ?? 'none'
    const before = at > 0 ? (steps[at - 1] as unknown) : null
    const isImplicit = !Array.isArray(step.needs)
    const needs = isImplicit ? (isFields(before) ? [told(before.id)] : []) : (step.needs as unknown[]).map(told)
    return { key: isOwn ? id : placeKey(path), id, title: told(step.title), kind, what: whatOf(kind, step), path, block, at, needs: needs.filter(Boolean), isImplicit, blocks: blocksOf(step, path, seen), step }
  })
}

/** The steps of a document, those within others included; whatever else stands there is left out. */
export function outline(value: Fields): Block[] {
  const seen = new Set<string>()
  const blocks: Block[] = []
  for (const role of ['steps', 'onFailure'] as const) {
    const steps = value[role]
    if (Array.isArray(steps) && (role === 'steps' || steps.length > 0)) blocks.push({ key: role, path: [role], role, condition: '', items: itemsOf(steps, [role], seen) })
  }
  return blocks
}

/** A block that is not written yet: with its first step it is. */
export const absent = (role: Role, path: Path): Block => ({ key: placeKey(path), path, role, condition: '', items: [] })

/** All steps, each before those within it. */
export const allItems = (blocks: readonly Block[]): Item[] => blocks.flatMap(({ items }) => items.flatMap((item) => [item, ...allItems(item.blocks)]))
export const allBlocks = (blocks: readonly Block[]): Block[] => blocks.flatMap((block) => [block, ...block.items.flatMap((item) => allBlocks(item.blocks))])

export interface Listed {
  item: Item
  depth: number
  /** The block it is the first of, where that is not the one of its workflow. */
  opens: Block | null
}

/** The steps as lines of a list. */
export function listed(blocks: readonly Block[], depth = 0): Listed[] {
  return blocks.flatMap((block) =>
    block.items.flatMap((item, at): Listed[] => [{ item, depth, opens: at === 0 && block.role !== 'steps' ? block : null }, ...listed(item.blocks, depth + 1)]),
  )
}
