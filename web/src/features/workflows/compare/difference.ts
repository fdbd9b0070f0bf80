import { allItems, type Block, type Item } from '../document/outline'
import { isSame, type Fields } from '../document/source'

export interface Difference {
  key: string
  item: Item
  kind: 'added' | 'removed' | 'changed'
  /** Fields that differ, of a changed one. */
  fields: string[]
}
export interface Differences {
  steps: Difference[]
  /** Fields of the document itself that differ. */
  whole: string[]
  /** The steps of both: the new ones, and among them those that are gone. */
  blocks: Block[]
}

const OF_STEPS = new Set(['steps', 'onFailure'])

/** A step without those that stand in it: they are compared for themselves. */
function own({ step }: Item): Fields {
  const { map, branch, catch: caught, needs: _, ...rest } = step
  const bare: Fields = { ...rest, ...(caught ? { catch: true } : {}) }
  if (map && typeof map === 'object') bare.map = { ...map, steps: undefined }
  if (Array.isArray(branch)) bare.branch = branch.map((one: unknown) => (one && typeof one === 'object' ? (one as Fields).if : one))
  return bare
}

/** Which block of which step, whatever stands before it. */
const blockName = (owner: string, block: Block, at: number): string => `${owner}/${block.role}/${block.role === 'case' ? at : 0}`

function places(blocks: readonly Block[], owner = '', found = new Map<string, string>()): Map<string, string> {
  for (const [at, block] of blocks.entries()) {
    for (const item of block.items) {
      found.set(item.key, blockName(owner, block, at))
      places(item.blocks, item.key, found)
    }
  }
  return found
}

const differing = (one: Fields, other: Fields): string[] => [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => !isSame(one[key], other[key]))

/** What two versions do differently, step by step; a step is known by its id. */
export function differences(before: { value: Fields; blocks: readonly Block[] }, after: { value: Fields; blocks: readonly Block[] }): Differences {
  const [old, now] = [new Map(allItems(before.blocks).map((item) => [item.key, item])), new Map(allItems(after.blocks).map((item) => [item.key, item]))]
  const [oldPlaces, newPlaces] = [places(before.blocks), places(after.blocks)]
  const steps: Difference[] = []
  for (const [key, item] of now) {
    const was = old.get(key)
    if (!was) {
      steps.push({ key, item, kind: 'added', fields: [] })
      continue
    }
    const fields = differing(own(was), own(item))
    if (!isSame([...was.needs].sort(), [...item.needs].sort())) fields.push('needs')
    if (oldPlaces.get(key) !== newPlaces.get(key)) fields.push('place')
    if (fields.length) steps.push({ key, item, kind: 'changed', fields })
  }
  for (const [key, item] of old) if (!now.has(key)) steps.push({ key, item, kind: 'removed', fields: [] })
  return { steps, whole: differing(before.value, after.value).filter((field) => !OF_STEPS.has(field)), blocks: together(before.blocks, after.blocks, now) }
}

/** The new blocks with the items that are gone, each behind the one that stood before it. */
function together(before: readonly Block[], after: readonly Block[], now: ReadonlyMap<string, Item>, owner = ''): Block[] {
  const old = new Map(before.map((block, at) => [blockName(owner, block, at), block]))
  const known = new Set<string>()
  const joined = after.map((block, at): Block => {
    const name = blockName(owner, block, at)
    known.add(name)
    const was = old.get(name)
    const items: Item[] = block.items.map((item) => ({ ...item, blocks: together(was?.items.find(({ key }) => key === item.key)?.blocks ?? [], item.blocks, now, item.key) }))
    for (const [nth, gone] of (was?.items ?? []).entries()) {
      if (now.has(gone.key)) continue
      const ahead = was!.items.slice(0, nth).map(({ key }) => key)
      const place = items.findLastIndex(({ key }) => ahead.includes(key))
      items.splice(place + 1, 0, withoutKnown(gone, now))
    }
    return { ...block, items: items.map((item, place) => ({ ...item, at: place })) }
  })
  // A block that is gone altogether stands as it was, with what is gone of it.
  for (const [name, block] of old) if (!known.has(name)) joined.push(pruned(block, now))
  return joined.filter(({ items, role }) => items.length > 0 || role !== 'onFailure')
}
const pruned = (block: Block, now: ReadonlyMap<string, Item>): Block => ({ ...block, key: `gone:${block.key}`, items: block.items.filter(({ key }) => !now.has(key)).map((item, at) => ({ ...withoutKnown(item, now), at })) })
/** A step that is gone, without those of its steps that only stand elsewhere now. */
const withoutKnown = (item: Item, now: ReadonlyMap<string, Item>): Item => ({ ...item, blocks: item.blocks.map((block) => pruned(block, now)) })
