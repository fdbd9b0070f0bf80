import { computed, ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { asProblem, type Problem } from '@/api/problem'
import { access } from '@/api/session'
import { failure, type Failure } from '@/app/failure'
import { text } from '@/locales/en/session'
import { took, useTick } from '@/ui/write/moment'

/** Milliseconds until the next attempt is taken; null where nobody said that one has to wait. */
export function waitOf(problem: Pick<Problem, 'code' | 'status' | 'message' | 'retryAfterMs'>, now: number): number | null {
  if (problem.status !== 429) return null
  // The moment itself is in the words; the header knows only of a short pause.
  const told = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(problem.message)
  const until = told ? Date.parse(told[0]) - now : NaN
  return Math.max(Number.isFinite(until) ? until : (problem.retryAfterMs ?? 1_000), 1_000)
}

/** Signing in, and waiting where too many attempts failed. */
export function useSignIn() {
  const busy = ref(false)
  const problem = ref<Problem | null>(null)
  const allowedAt = ref(0)
  const tick = useTick()
  const waitMs = computed(() => Math.max(0, allowedAt.value - tick.value.getTime()))
  /** In whole seconds, as a countdown is read. */
  const wait = computed(() => (waitMs.value > 0 ? took(Math.ceil(waitMs.value / 1_000) * 1_000).replace(/\.0 s$/, ' s') : null))
  const failed = computed<Failure | null>(() => {
    if (!problem.value) return null
    if (problem.value.status !== 429) return failure(problem.value)
    return { title: text.throttled, fix: wait.value ? text.throttledFix(wait.value) : text.throttleOver }
  })

  async function signIn(email: string, password: string): Promise<boolean> {
    if (busy.value || waitMs.value > 0) return false
    busy.value = true
    problem.value = null
    try {
      const answer = await data<Schemas['SignedIn']>(api.POST('/api/v1/auth/login', { body: { email: email.trim(), password } }))
      access.signedIn(answer, new Date(serverNow()).toISOString())
      return true
    } catch (error) {
      problem.value = asProblem(error)
      const pause = waitOf(problem.value, serverNow())
      if (pause !== null) allowedAt.value = Date.now() + pause
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, failed, wait, signIn }
}
