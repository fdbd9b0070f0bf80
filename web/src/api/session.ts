import { ref } from 'vue'
import { learn } from './clock'
import { csrf } from './csrf'
import { asProblem, Problem, retryAfter } from './problem'
import type { components } from './schema'

type SignedIn = components['schemas']['SignedIn']

/** Renewed this long before it runs out. */
const EARLY_MS = 60_000
/** Tabs of one browser share one refresh cookie, which turns with every use: one renews, the others are told. */
const LOCK = 'serverflow.refresh'
const CHANNEL = 'serverflow.session'

/** What has to be done before anything else: until then the control plane answers nothing else. */
export type Duty = 'password' | 'factor'
const dutyOf = ({ passwordChangeDue, secondFactorDue }: SignedIn): Duty | null => (passwordChangeDue ? 'password' : secondFactorDue ? 'factor' : null)

type Told = { kind: 'signedIn'; token: string; expiresAt: number; owes: Duty | null } | { kind: 'signedOut' }

/**
 * The access token of this tab: in memory only, so that no script finds it in storage. The refresh token is a cookie that
 * scripts cannot read.
 */
class Access {
  /** unknown until the first renewal answered. */
  readonly state = ref<'unknown' | 'in' | 'out'>('unknown')
  readonly owes = ref<Duty | null>(null)
  private current: string | null = null
  private expiresAt = 0
  private renewing: Promise<string | null> | null = null
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL)

  constructor() {
    this.channel?.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if (data.kind === 'signedIn') this.take(data.token, data.expiresAt, data.owes)
      else this.drop()
    })
  }

  /** A good token, renewed where it is about to run out; null where nobody is signed in. */
  async token(): Promise<string | null> {
    if (this.state.value === 'out') return null
    if (this.current && Date.now() < this.expiresAt - EARLY_MS) return this.current
    return this.renew(this.current)
  }

  /** Exchanges the cookie for a fresh token; null means signed out. Throws where nobody answers. */
  renew(stale: string | null): Promise<string | null> {
    if (this.current && this.current !== stale) return Promise.resolve(this.current)
    this.renewing ??= this.exchange(stale).finally(() => (this.renewing = null))
    return this.renewing
  }

  /** Takes the answer of a sign-in. */
  signedIn(answer: SignedIn, told?: string): string {
    learn(told)
    // The life of a token is reckoned on this clock from now, whatever both clocks say.
    const life = told ? Date.parse(answer.expiresAt) - Date.parse(told) : 15 * 60_000
    const owes = dutyOf(answer)
    this.take(answer.accessToken, Date.now() + life, owes)
    this.channel?.postMessage({ kind: 'signedIn', token: answer.accessToken, expiresAt: this.expiresAt, owes } satisfies Told)
    return answer.accessToken
  }

  /** Forgets the token, here and in the other tabs. */
  signedOut(): void {
    this.drop()
    this.channel?.postMessage({ kind: 'signedOut' } satisfies Told)
  }

  private async exchange(stale: string | null): Promise<string | null> {
    const once = async (): Promise<string | null> => {
      // Another tab may have done it while this one waited for the lock.
      if (this.current && this.current !== stale) return this.current
      const response = await fetch('/api/v1/auth/refresh', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Serverflow-Client': 'dashboard', 'X-Serverflow-Csrf': csrf() },
        body: '{}',
        signal: AbortSignal.timeout(15_000),
      }).catch((error: unknown) => {
        throw asProblem(error)
      })
      const body = await response.json().catch(() => null)
      if (response.ok && body?.data) return this.signedIn(body.data as SignedIn, body.meta?.timestamp)
      if (response.status === 401 || response.status === 403) {
        this.drop()
        return null
      }
      throw new Problem({
        code: body?.error?.code ?? `http.${response.status}`,
        message: body?.error?.message ?? `The control plane answered ${response.status}.`,
        status: response.status,
        fix: body?.error?.details?.fix,
        retryAfterMs: retryAfter(response.headers.get('Retry-After'), Date.now()),
      })
    }
    return navigator.locks ? navigator.locks.request(LOCK, once) : once()
  }

  private take(token: string, expiresAt: number, owes: Duty | null): void {
    this.owes.value = owes
    this.current = token
    this.expiresAt = expiresAt
    this.state.value = 'in'
  }

  private drop(): void {
    this.current = null
    this.expiresAt = 0
    this.owes.value = null
    this.state.value = 'out'
  }
}

export const access = new Access()
