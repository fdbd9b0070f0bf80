import type { components } from './schema'

/** No answer came. */
const AWAY = 'network.away'

export type ErrorBody = components['schemas']['ErrorBody']
export type Finding = components['schemas']['Finding']

/** What went wrong with a request, as it is shown: what happened, why, what to do. */
export class Problem extends Error {
  readonly code: string
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  /** What to do about it; empty where the message says all. */
  readonly fix: string
  /** The refused field, in the names of the API: `settings.repository`. */
  readonly field: string | null
  /** Each thing that is wrong, where there may be several. */
  readonly findings: Finding[]
  /** For the log of the control plane; null where no answer came. */
  readonly requestId: string | null
  /** Milliseconds to wait before the next try; null where nobody said. */
  readonly retryAfterMs: number | null

  constructor(init: {
    code: string
    message: string
    status?: number
    fix?: string | null
    field?: string | null
    findings?: Finding[]
    requestId?: string | null
    retryAfterMs?: number | null
  }) {
    super(init.message)
    this.name = 'Problem'
    this.code = init.code
    this.status = init.status ?? 0
    this.fix = init.fix ?? ''
    this.field = init.field ?? null
    this.findings = init.findings ?? []
    this.requestId = init.requestId ?? null
    this.retryAfterMs = init.retryAfterMs ?? null
  }

  /** Nobody answered: the control plane is away, or the network is. A defect of the page itself is neither. */
  get isAway(): boolean {
    return this.code === AWAY || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** Trying again by itself may help. */
  get isPassing(): boolean {
    return this.isAway || this.status === 429
  }
}

/** Anything caught, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof TypeError || (error instanceof DOMException && error.name !== 'AbortError')) {
    return new Problem({
      code: AWAY,
      message: 'The control plane does not answer.',
      fix: 'Check that it runs and that this machine reaches it. This page goes on by itself once it is back.',
    })
  }
  const message = error instanceof Error ? error.message : String(error)
  return new Problem({ code: 'page.defect', message, fix: 'Reload the page; if it happens again, tell us what you did.' })
}

/** Seconds or an HTTP date, as milliseconds from now; capped at a minute so that a wrong clock cannot park the page. */
export function retryAfter(header: string | null, now: number): number | null {
  if (!header) return null
  const secs = Number(header)
  const ms = Number.isFinite(secs) ? secs * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 60_000) : null
}
