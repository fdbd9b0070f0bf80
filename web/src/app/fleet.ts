import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, page, type Page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Rows of one request, as many as the API gives. */
const PAGE_ROWS = 200
/** Pages read at the most: beyond so many objects, names are asked for one by one. */
const MAX_PAGES = 10

interface Whole<T> {
  items: T[]
  /** There are more than were read. */
  more: boolean
}

async function whole<T>(read: (after: string | undefined) => Promise<Page<T>>): Promise<Whole<T>> {
  const items: T[] = []
  let after: string | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items: rows, next } = await read(after)
    items.push(...rows)
    if (!next) return { items, more: false }
    after = next
  }
  return { items, more: true }
}

const WHOLE = { whole: true }

/** All apps and nodes, for what speaks of them by name or counts them: Home, palette, activity. Kept fresh by events. */
export function useFleet(enabled: MaybeRefOrGetter<boolean> = true) {
  const isEnabled = computed(() => toValue(enabled))
  const appQuery = useQuery({
    queryKey: keys.appList(WHOLE),
    queryFn: ({ signal }) =>
      whole<Schemas['App']>((after) => page(api.GET('/api/v1/apps', { params: { query: { limit: PAGE_ROWS, after } }, signal }))),
    enabled: isEnabled,
  })
  const nodeQuery = useQuery({
    queryKey: keys.nodeList(WHOLE),
    queryFn: ({ signal }) =>
      whole<Schemas['Node']>((after) => page(api.GET('/api/v1/nodes', { params: { query: { limit: PAGE_ROWS, after } }, signal }))),
    enabled: isEnabled,
  })
  const apps = computed(() => appQuery.data.value?.items ?? [])
  const nodes = computed(() => nodeQuery.data.value?.items ?? [])
  const appById = computed(() => new Map(apps.value.map((app) => [app.id, app])))
  const nodeById = computed(() => new Map(nodes.value.map((node) => [node.id, node])))
  return { appQuery, nodeQuery, apps, nodes, appById, nodeById }
}
