import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref } from 'vue'
import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { propose } from '@/app/acting/useAct'
import { text } from '@/locales/en/people/notifications'

export type Channel = Schemas['NotificationChannel']
export type Made = Schemas['NewNotificationChannelMade']
export type NewChannel = Schemas['NewNotificationChannel']
export type Change = Schemas['ChangeNotificationChannel']
export type Kind = Channel['kinds'][number]
/** One's own, or the team's. */
export type Whose = 'own' | 'team'
/** The most pressing first. */
export const KINDS = Object.keys(text.kinds) as Kind[]
/** How a message goes is told by no event: it is read anew while somebody looks. */
const AGAIN_MS = 5_000

/** The calls of either list. */
function callsOf(whose: Whose) {
  if (whose === 'own') {
    const one = '/api/v1/me/notification-channels/{id}' as const
    return {
      list: () => api.GET('/api/v1/me/notification-channels'),
      add: (body: NewChannel) => api.POST('/api/v1/me/notification-channels', { body }),
      change: (id: string, body: Change) => api.PATCH(one, { params: { path: { id } }, body }),
      test: (id: string) => api.POST('/api/v1/me/notification-channels/{id}/test', { params: { path: { id } } }),
      remove: (id: string, dryRun?: true) => api.DELETE(one, { params: { path: { id }, query: { dryRun } } }),
    }
  }
  const one = '/api/v1/notification-channels/{id}' as const
  return {
    list: () => api.GET('/api/v1/notification-channels'),
    add: (body: NewChannel) => api.POST('/api/v1/notification-channels', { body }),
    change: (id: string, body: Change) => api.PATCH(one, { params: { path: { id } }, body }),
    test: (id: string) => api.POST('/api/v1/notification-channels/{id}/test', { params: { path: { id } } }),
    remove: (id: string, dryRun?: true) => api.DELETE(one, { params: { path: { id }, query: { dryRun } } }),
  }
}

/** Notification channels, and what is done with them. */
export function useChannels(whose: Whose) {
  const calls = callsOf(whose)
  const client = useQueryClient()
  const query = useQuery({ queryKey: keys.channels(whose), queryFn: () => data<Channel[]>(calls.list()), refetchInterval: AGAIN_MS })
  const channels = computed(() => query.data.value ?? [])
  const reread = (): void => void client.invalidateQueries({ queryKey: keys.notifications })
  /** A secret that was made just now; it is nowhere else. */
  const made = ref<Made | null>(null)
  const tested = ref('')

  const saving = useMutation({
    meta: { shown: true },
    mutationFn: ({ id, body }: { id?: string; body: NewChannel | Change }) =>
      data<Made>(id ? calls.change(id, body as Change) : calls.add(body as NewChannel)),
    onSuccess: (answer) => {
      if (answer.secret) made.value = answer
    },
    onSettled: reread,
  })
  const testing = useMutation({
    mutationFn: async (channel: Channel) => {
      await data(calls.test(channel.id))
      return channel.name
    },
    onSuccess: (name) => (tested.value = text.tested(name)),
    onSettled: reread,
  })
  function remove(channel: Channel): void {
    propose({
      title: text.removeOne(channel.name),
      about: text.removeAbout,
      danger: true,
      plan: () => plan(calls.remove(channel.id, true)),
      perform: () => data(calls.remove(channel.id)),
      touches: [[...keys.notifications]],
    })
  }
  return { query, channels, saving, testing, tested, made, remove }
}
