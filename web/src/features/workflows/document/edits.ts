import { allItems, outline, type Block, type Item } from './outline'
import { isRead, read, type Fields, type Path, type Source } from './source'
import { change, changeAll, type Change } from './splice'

// What people do to steps, as changes of the document. Each answers the changed document, or null where its text has to
// be changed by hand.

export const freshId = (wanted: string, taken: Iterable<string>): string => {
  const known = new Set(taken)
  const base = wanted.toLowerCase().replace(/[^a-z0-9_]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 48) || 'step'
  if (!known.has(base)) return base
  for (let number = 2; ; number++) if (!known.has(`${base}_${number}`)) return `${base}_${number}`
}

const idsOf = ({ value }: Source): string[] => allItems(outline(value)).map(({ id }) => id)
const need = (item: Item, needs: readonly string[]): Change => ({ set: [...item.path, 'needs'], value: [...new Set(needs)] })
const isPlain = (item: Item, before: Item | undefined): boolean => item.needs.length === (before ? 1 : 0) && (!before || item.needs[0] === before.id)

/** Where a new step goes: behind a step, between two, or at the end of a block. */
export type Spot = { after: Item } | { from: Item; to: Item } | { block: Block }

/** Puts a step in; its id is made one of its own. */
export function addStep(source: Source, spot: Spot, step: Fields): { source: Source; id: string } | null {
  const id = freshId(String(step.id ?? 'step'), idsOf(source))
  const after = 'after' in spot ? spot.after : 'from' in spot ? spot.from : spot.block.items.at(-1)
  const path = after?.block ?? (spot as { block: Block }).block.path
  const at = after ? after.at + 1 : 0
  const value = { ...step, id }
  const changes: Change[] = []
  // Whoever needed the one before now needs the new one; those that say so by name say it by the new name.
  if ('from' in spot && (!spot.to.isImplicit || spot.to.at !== at)) changes.push(need(spot.to, spot.to.needs.map((one) => (one === spot.from.id ? id : one))))
  // A step that stood behind it without a word, and is not meant, keeps what it needed.
  const next = siblings(source, path)?.[at]
  if ('from' in spot && next?.isImplicit && next.key !== spot.to.key) changes.push(need(next, next.needs))
  changes.push({ insert: path, at, value: { id: value.id, ...withoutId(value) } })
  const made = changeAll(source, changes)
  return made && { source: made, id }
}

const withoutId = ({ id: _, ...rest }: Fields): Fields => rest

/** The steps of a block, as the document has them now. */
function siblings(source: Source, path: Path): Item[] | null {
  const key = JSON.stringify(path)
  const within = (blocks: readonly Block[]): Item[] | null => {
    for (const block of blocks) {
      if (JSON.stringify(block.path) === key) return block.items
      for (const item of block.items) {
        const found = within(item.blocks)
        if (found) return found
      }
    }
    return null
  }
  return within(outline(source.value))
}

/** Takes a step away with all within it; what needed it needs what it needed. */
export function removeStep(source: Source, item: Item): Source | null {
  const beside = siblings(source, item.block) ?? []
  const before = beside[item.at - 1]
  const changes: Change[] = []
  for (const other of beside) {
    if (other.key === item.key || !other.needs.includes(item.id)) continue
    if (other.isImplicit && isPlain(item, before)) continue
    changes.push(need(other, other.needs.flatMap((one) => (one === item.id ? item.needs : [one]))))
  }
  return changeAll(source, [...changes, { drop: item.path }])
}

function reached(from: string, next: (id: string) => readonly string[]): Set<string> {
  const seen = new Set<string>()
  const stack = [...next(from)]
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    stack.push(...next(id))
  }
  return seen
}

/** Ids of the steps that end before a step begins: what it needs, what that needs, and so on. */
export function before(items: readonly Item[], item: Item): Set<string> {
  const needs = new Map(items.map((one) => [one.id, one.needs]))
  return reached(item.id, (id) => needs.get(id) ?? [])
}

/** Ids of the steps that wait for a step, directly or through others. */
export function behind(items: readonly Item[], item: Item): Set<string> {
  const waiting = new Map<string, string[]>()
  for (const one of items) for (const id of one.needs) waiting.set(id, [...(waiting.get(id) ?? []), one.id])
  return reached(item.id, (id) => waiting.get(id) ?? [])
}

/** Whether a step may wait for another one beside it: not for itself, and not in a circle. */
export const mayNeed = (items: readonly Item[], item: Item, wanted: Item): boolean =>
  item.key !== wanted.key && !!wanted.id && JSON.stringify(item.block) === JSON.stringify(wanted.block) && !item.needs.includes(wanted.id) && !behind(items, item).has(wanted.id)

export const connect = (source: Source, item: Item, to: Item): Source | null => change(source, need(item, [...item.needs, to.id]))
export const disconnect = (source: Source, item: Item, from: string): Source | null => change(source, need(item, item.needs.filter((one) => one !== from)))
/** Sets what a step needs; `null` leaves it to its place. */
export const setNeeds = (source: Source, item: Item, needs: readonly string[] | null): Source | null =>
  needs ? change(source, need(item, needs)) : item.isImplicit ? source : change(source, { drop: [...item.path, 'needs'] })

/** Sets a field; undefined takes it away, and with it maps that are left empty. */
export const setField = (source: Source, path: Path, value: unknown): Source | null => (value === undefined ? change(source, { drop: path }) : change(source, { set: path, value }))

/** Gives a step another id, wherever it is named: in needs, and in expressions. */
export function renameStep(source: Source, item: Item, id: string): Source | null {
  const changes: Change[] = [{ set: [...item.path, 'id'], value: id }]
  for (const other of siblings(source, item.block) ?? []) {
    if (!other.isImplicit && other.needs.includes(item.id)) changes.push(need(other, other.needs.map((one) => (one === item.id ? id : one))))
  }
  const made = changeAll(source, changes)
  if (!made || !item.id) return made
  const named = new RegExp(`\\bsteps\\.${item.id}(?![A-Za-z0-9_])`, 'g')
  const found = read(made.text.replace(named, `steps.${id}`))
  return isRead(found) ? found : null
}
