import { useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'
import { useListing } from '@/app/listing'

export type Line = Schemas['Activity'] & { id: string }
const PAGE = 50

/** What was done to a node and said by it, newest first. */
export function useNodeActivity(id: Ref<string>) {
  const client = useQueryClient()
  const filter = computed(() => ({ target: id.value, paged: true }))
  const listing = useListing<Line>(
    () => keys.activity(filter.value),
    async (after, signal) => {
      const query = { target: id.value, limit: PAGE, after }
      const { items, next } = await page<Schemas['Activity']>(api.GET('/api/v1/activity', { params: { query }, signal }))
      return { items: items.map((line) => ({ ...line, id: `${line.instanceId}:${line.seq}` })), next }
    },
  )
  useTopic(
    () => `node:${id.value}`,
    ({ event }) => {
      if (event === 'node.status.update') void client.invalidateQueries({ queryKey: keys.activity(filter.value) })
    },
  )
  return listing
}
