import { useQueryClient } from '@tanstack/vue-query'
import { useDebounceFn } from '@vueuse/core'
import { computed, reactive, ref, watch } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { useFleet } from '@/app/fleet'
import { useListing, useUrlValue } from '@/app/listing'
import { useMe } from '@/app/me'
import type { Names } from './sentence'

/** Lines of one request. */
const PAGE_LINES = 50
/** More lines than this are not read again by themselves: one is told, and asks. */
const MAX_REFRESHED = 150
/** Many events in a moment cause one reading. */
const GATHER_MS = 800

/** Who is called something and is no person. */
const NO_PEOPLE = new Set(['node', 'workflow', 'trigger', 'system'])

export type Line = Schemas['Activity'] & { id: string }

/** The audit chain under the filters of the URL, and what is needed to tell it. */
export function useActivity() {
  const client = useQueryClient()
  const filters = reactive({ q: useUrlValue('q'), actor: useUrlValue('actor'), outcome: useUrlValue('outcome'), action: useUrlValue('action'), target: useUrlValue('target'), from: useUrlValue('from'), to: useUrlValue('to') })
  const asked = computed(() => Object.fromEntries(Object.entries(filters).filter(([, value]) => value)) as Partial<typeof filters>)
  const list = useListing<Line>(
    () => keys.activity({ list: asked.value }),
    async (after, signal) => {
      const answer = await page<Schemas['Activity']>(api.GET('/api/v1/activity', { params: { query: { ...asked.value, limit: PAGE_LINES, after } }, signal }))
      return { ...answer, items: answer.items.map((line) => ({ ...line, id: `${line.instanceId}.${line.seq}` })) }
    },
  )

  const { me } = useMe()
  const { apps, nodes } = useFleet()
  const people = ref(new Map<string, string>())
  watch(
    list.items,
    (lines) => {
      for (const { actorRef, actorKind, actorName, personal } of lines) {
        const name = actorName ?? personal.email
        if (name && !NO_PEOPLE.has(actorKind)) people.value.set(actorRef, name)
      }
    },
    { immediate: true },
  )
  const names = computed<Names>(() => ({
    me: me.value?.user.id ?? null,
    people: people.value,
    apps: new Map(apps.value.map(({ id, name }) => [id, name])),
    nodes: new Map(nodes.value.map(({ id, name }) => [id, name])),
  }))

  const newer = ref(false)
  const refresh = (): void => {
    newer.value = false
    // Page after page anew would be many requests; the first one alone is what was asked for.
    if (list.items.value.length > MAX_REFRESHED) void client.resetQueries({ queryKey: keys.activity({ list: asked.value }) })
    else void list.again()
  }
  const onEvent = useDebounceFn(() => (list.items.value.length > MAX_REFRESHED ? (newer.value = true) : refresh()), GATHER_MS, { maxWait: 3_000 })
  for (const topic of ['runs', 'nodes', 'approvals']) useTopic(() => topic, onEvent)

  const filtered = computed(() => Object.keys(asked.value).length > 0)
  return { ...list, filters, filtered, names, apps, nodes, newer, refresh }
}
