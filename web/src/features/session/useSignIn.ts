import { computed, ref } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { serverNow } from '@/api/clock'
import { asProblem, type Problem } from '@/api/problem'
import { access } from '@/api/session'
import { failure, type Failure } from '@/app/failure'
import { text } from '@/locales/en/people/session'
import { took, useTick } from '@/ui/write/moment'

export type Ticket = Schemas['FactorTicket']
/** What may answer the question for a second factor. */
export type Method = 'totp' | 'recovery'

/** Milliseconds until the next attempt is taken; null where nobody said that one has to wait. */
export function waitOf(problem: Pick<Problem, 'code' | 'status' | 'message' | 'retryAfterMs'>, now: number): number | null {
  if (problem.status !== 429) return null
  // The moment itself is in the words; the header knows only of a short pause.
  const told = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(problem.message)
  const until = told ? Date.parse(told[0]) - now : NaN
  return Math.max(Number.isFinite(until) ? until : (problem.retryAfterMs ?? 1_000), 1_000)
}

/** A code as it is sent: digits may be typed in groups, as apps show them. */
export const cleanCode = (typed: string, method: Method): string => (method === 'totp' ? typed.replace(/\D/g, '') : typed.trim())

/** Signing in, in one step or two, and waiting where too many attempts failed. */
export function useSignIn() {
  const busy = ref(false)
  const problem = ref<Problem | null>(null)
  const allowedAt = ref(0)
  /** A second factor is asked for. */
  const ticket = ref<Ticket | null>(null)
  const tick = useTick()
  const waitMs = computed(() => Math.max(0, allowedAt.value - tick.value.getTime()))
  /** In whole seconds, as a countdown is read. */
  const wait = computed(() => (waitMs.value > 0 ? took(Math.ceil(waitMs.value / 1_000) * 1_000).replace(/\.0 s$/, ' s') : null))
  const failed = computed<Failure | null>(() => {
    if (!problem.value) return null
    if (problem.value.status !== 429) return failure(problem.value)
    return { title: text.throttled, fix: wait.value ? text.throttledFix(wait.value) : text.throttleOver }
  })

  async function attempt(ask: () => Promise<Schemas['Entered']>): Promise<boolean> {
    if (busy.value || waitMs.value > 0) return false
    busy.value = true
    problem.value = null
    try {
      const answer = await ask()
      if ('factor' in answer) ticket.value = answer.factor
      else access.signedIn(answer, new Date(serverNow()).toISOString())
      return true
    } catch (error) {
      problem.value = asProblem(error)
      const pause = waitOf(problem.value, serverNow())
      if (pause !== null) allowedAt.value = Date.now() + pause
      // The time between both steps has run out: the first one is asked again.
      if (problem.value.code === 'factor.ticket') ticket.value = null
      return false
    } finally {
      busy.value = false
    }
  }

  const signIn = (email: string, password: string): Promise<boolean> =>
    attempt(() => data(api.POST('/api/v1/auth/login', { body: { email: email.trim(), password } })))
  const answer = (code: string, method: Method): Promise<boolean> =>
    attempt(() => data(api.POST('/api/v1/auth/login/factor', { body: { ticket: ticket.value?.ticket ?? '', code: cleanCode(code, method), method } })))
  function again(): void {
    ticket.value = null
    problem.value = null
  }
  return { busy, failed, wait, ticket, signIn, answer, again }
}
