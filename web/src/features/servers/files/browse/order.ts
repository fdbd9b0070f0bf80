import type { Schemas } from '@/api/client'

export type Entry = Schemas['ServerFile']
export const SORTS = ['name', 'size', 'modified'] as const
export type SortBy = (typeof SORTS)[number]
export interface Sort {
  by: SortBy
  /** The other way round: z to a, largest or newest first. */
  down: boolean
}

/** `-size` in the address is by size, largest first; what is none of these is by name. */
export function readSort(text: string): Sort {
  const by = SORTS.find((one) => one === text.replace(/^-/, ''))
  return by ? { by, down: text.startsWith('-') } : { by: 'name', down: false }
}
export const writeSort = ({ by, down }: Sort): string => (by === 'name' && !down ? '' : `${down ? '-' : ''}${by}`)
/** Pressed again, the same column turns round; sizes and times begin with the most. */
export const turned = (now: Sort, by: SortBy): Sort => ({ by, down: now.by === by ? !now.down : by !== 'name' })

const collator = new Intl.Collator('en', { numeric: true })
const byName = (a: Entry, b: Entry): number => collator.compare(a.name, b.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
const COMPARE: Record<SortBy, (a: Entry, b: Entry) => number> = {
  name: byName,
  size: (a, b) => a.bytes - b.bytes || byName(a, b),
  modified: (a, b) => Date.parse(a.modifiedAt) - Date.parse(b.modifiedAt) || byName(a, b),
}

/**
 * The rows as they are shown. Only a folder that is there whole can be sorted: folders come first then. Of one that is read page
 * by page, the order is the machine's own, by the bytes of the names.
 */
export function arrange(entries: readonly Entry[], { sort, filter, whole }: { sort: Sort; filter: string; whole: boolean }): Entry[] {
  const wanted = filter.trim().toLowerCase()
  const found = wanted ? entries.filter(({ name }) => name.toLowerCase().includes(wanted)) : [...entries]
  if (!whole) return found
  const folders = (entry: Entry): number => (entry.kind === 'folder' ? 0 : 1)
  return found.sort((a, b) => folders(a) - folders(b) || COMPARE[sort.by](a, b) * (sort.down ? -1 : 1))
}
