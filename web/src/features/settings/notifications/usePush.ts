import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onMounted, ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { deviceName, keyBytes } from './subscription'

/** Answers no request and keeps no page: it shows messages and opens their page. */
const WORKER = '/push-worker.js'
/** What this browser's subscription is called at the control plane. */
const KEPT = 'serverflow.push'

export type PushState = 'unsupported' | 'denied' | 'off' | 'on'

async function found(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration(WORKER)
  return (await registration?.pushManager.getSubscription()) ?? null
}

/** Whether this browser takes pushed messages, and turning that on and off. */
export function usePush() {
  const client = useQueryClient()
  const query = useQuery({ queryKey: keys.push, queryFn: () => data<Schemas['PushSubscriptions']>(api.GET('/api/v1/me/push-subscriptions')) })
  const state = ref<PushState>('off')
  const reread = (): void => void client.invalidateQueries({ queryKey: keys.notifications })

  async function look(): Promise<void> {
    const supported = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
    if (!supported) state.value = 'unsupported'
    else if (Notification.permission === 'denied') state.value = 'denied'
    else state.value = (await found()) && localStorage.getItem(KEPT) ? 'on' : 'off'
  }
  onMounted(() => void look())

  const turningOn = useMutation({
    meta: { shown: true },
    mutationFn: async (publicKey: string) => {
      if ((await Notification.requestPermission()) !== 'granted') return
      await navigator.serviceWorker.register(WORKER)
      const registration = await navigator.serviceWorker.ready
      // A subscription made for another control plane, or an earlier key, takes nothing of ours.
      await (await registration.pushManager.getSubscription())?.unsubscribe()
      const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(publicKey) })
      const { endpoint, keys: own } = made.toJSON()
      const body = { name: deviceName(navigator.userAgent), endpoint: endpoint ?? '', keys: { p256dh: own?.p256dh ?? '', auth: own?.auth ?? '' } }
      const answer = await data<Schemas['NewNotificationChannelMade']>(api.POST('/api/v1/me/push-subscriptions', { body }))
      localStorage.setItem(KEPT, answer.channel.id)
    },
    onSettled: () => {
      reread()
      void look()
    },
  })
  const turningOff = useMutation({
    mutationFn: async () => {
      const id = localStorage.getItem(KEPT)
      await (await found())?.unsubscribe()
      localStorage.removeItem(KEPT)
      const isThere = query.data.value?.subscriptions.some((one) => one.id === id)
      if (id && isThere) await data(api.DELETE('/api/v1/me/push-subscriptions/{id}', { params: { path: { id } } }))
    },
    onSettled: () => {
      reread()
      void look()
    },
  })
  return { query, state, turningOn, turningOff }
}
