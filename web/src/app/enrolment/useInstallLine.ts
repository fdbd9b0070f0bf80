import { computed, ref } from 'vue'
import { api, made as madeOf, type Schemas } from '@/api/client'
import { clockAhead } from '@/api/clock'
import { failure, type Failure } from '@/app/failure'
import { useTick } from '@/ui/write/moment'
import { countdown, joinLine, type Start } from './installLine'

/** A machine that joins has done so after this long; else it may need help. */
const SLOW_MS = 75_000

/** A one-time line that makes a machine a node: made on demand, shown once, gone with the page. */
export function useInstallLine() {
  const made = ref<Schemas['EnrolToken'] | null>(null)
  const failed = ref<Failure | null>(null)
  const busy = ref(false)
  const start = ref<Start>('terminal')
  const tick = useTick()
  const left = computed(() => (made.value ? countdown(Date.parse(made.value.expiresAt), tick.value.getTime() + clockAhead.value) : null))
  const madeAt = ref(0)
  const isSlow = computed(() => made.value !== null && tick.value.getTime() - madeAt.value > SLOW_MS)
  const line = computed(() => (made.value ? joinLine(made.value, start.value) : ''))

  async function make(name = ''): Promise<void> {
    if (busy.value) return
    busy.value = true
    failed.value = null
    try {
      const body = name.trim() ? { name: name.trim() } : {}
      made.value = await madeOf<Schemas['EnrolToken']>(api.POST('/api/v1/enrol-tokens', { body }))
      madeAt.value = Date.now()
    } catch (error) {
      failed.value = failure(error)
    } finally {
      busy.value = false
    }
  }
  return { made, failed, busy, start, left, line, isSlow, make }
}
