import createClient, { type Middleware } from 'openapi-fetch'
import { learn } from './clock'
import { csrf } from './csrf'
import { asProblem, Problem, retryAfter, type ErrorBody } from './problem'
import type { components, paths } from './schema'
import { access } from './session'

export type Schemas = components['schemas']

type Envelope<T> = { success: boolean; data?: T; error?: ErrorBody | null; meta: Schemas['Meta'] }

/** One page of a list. */
export interface Page<T> {
  items: T[]
  next: string | null
}

/** A request without an answer for so long is given up. */
const TIMEOUT_MS = 30_000
/** Reads that were refused for being too many, or met nobody, are tried so often. */
const READ_TRIES = 3

/** Adds the credential; one that has run out is renewed once, unseen. */
async function withAccess(request: Request): Promise<Response> {
  const send = async (token: string | null): Promise<Response> => {
    const copy = request.clone()
    copy.headers.set('X-Serverflow-Client', 'dashboard')
    copy.headers.set('X-Serverflow-Csrf', csrf())
    if (token) copy.headers.set('Authorization', `Bearer ${token}`)
    return fetch(copy, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) })
  }
  const token = await access.token()
  const response = await send(token)
  if (response.status !== 401 || !token) return response
  const fresh = await access.renew(token)
  return fresh ? send(fresh) : response
}

async function patiently(request: Request): Promise<Response> {
  const isRead = request.method === 'GET'
  for (let attempt = 1; ; attempt++) {
    // Spread, so that many pages do not come back in the same moment; never sooner than was asked for.
    let wait = 250 * 2 ** attempt * (0.5 + Math.random() / 2)
    try {
      const response = await withAccess(request)
      if (!isRead || attempt === READ_TRIES || (response.status !== 429 && response.status !== 503)) return response
      const told = retryAfter(response.headers.get('Retry-After'), Date.now())
      if (told !== null) wait += told
    } catch (error) {
      if (!isRead || attempt === READ_TRIES || request.signal.aborted) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
    if (request.signal.aborted) throw request.signal.reason
  }
}

/** Pages reached by plain HTTP under another name than localhost have no `randomUUID`. */
const onceOnly = (): string => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, '0')).join('')

/** A write carries a key, so that a repeated one is answered and not done again. */
const keyed: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && !request.headers.has('Idempotency-Key')) {
      request.headers.set('Idempotency-Key', onceOnly())
    }
    return request
  },
}

export const api = createClient<paths>({ baseUrl: '', fetch: patiently })
api.use(keyed)

const strange = (status: number): Problem =>
  new Problem({
    code: 'answer.strange',
    message: 'Something other than the control plane answered.',
    status,
    fix: 'A proxy or the sign-in page of a network may stand between this browser and it. Open the address in a new tab to see what answers.',
  })

async function settled<T>(call: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<Envelope<T>> {
  const { data, error, response } = await call.catch((thrown: unknown) => {
    throw thrown instanceof SyntaxError ? strange(200) : asProblem(thrown)
  })
  const envelope = (data ?? error) as Envelope<T> | undefined
  // Every answer of the control plane carries its `meta`; something else may stand between and answer in its place.
  const isOurs = typeof envelope?.meta === 'object'
  if (response.ok && !isOurs) throw strange(response.status)
  learn(envelope?.meta?.timestamp)
  if (response.ok && envelope?.success) return envelope
  const told = envelope?.error
  throw new Problem({
    code: told?.code ?? `http.${response.status}`,
    message: told?.message ?? `The request failed with status ${response.status}, and nothing was said about why.`,
    status: response.status,
    fix: told ? (told.details?.fix ?? null) : 'A proxy in front of the control plane may have answered in its place: its log, and that of the control plane, tell more.',
    field: told?.details?.field ?? null,
    findings: told?.details?.findings,
    requestId: envelope?.meta?.requestId ?? null,
    retryAfterMs: retryAfter(response.headers.get('Retry-After'), Date.now()),
  })
}

/** The data of an answer; throws a {@link Problem}. `const app = await data<Schemas['App']>(api.GET(...))` */
export async function data<T>(call: Promise<{ data?: { data?: T }; error?: unknown; response: Response }>): Promise<T> {
  return (await settled<T>(call)).data as T
}

/** What waits for a person or a machine is answered with its run instead of what it makes. */
export type Waits = Schemas['RunOpened']
export const waits = (answer: object): answer is Waits => 'run' in answer

/** What a write made; throws a {@link Problem}, also where it waits for a person first. */
export async function made<T extends object>(call: Promise<{ data?: { data?: T }; error?: unknown; response: Response }>): Promise<T> {
  const answer = await data<T | Waits>(call)
  if (!waits(answer)) return answer
  throw new Problem({
    code: 'run.waits',
    message: 'Somebody has to agree to this first.',
    status: 202,
    fix: 'It is on Home, under what needs a decision. Do it again once it was agreed to, where it is not done by then.',
  })
}

/** A list's answer as a page; throws a {@link Problem}. */
export async function page<T>(call: Promise<{ data?: { data?: T[] }; error?: unknown; response: Response }>): Promise<Page<T>> {
  const envelope = await settled<T[]>(call)
  return { items: envelope.data ?? [], next: envelope.meta.page?.next ?? null }
}

/** The lines of a plan. */
export interface Lines {
  steps: string[]
  losses: string[]
  waitsFor?: string | null
}

/** What a write would do, asked with `dryRun`. */
export interface Plan extends Lines {
  decision: { verdict?: string; because?: string } & Record<string, unknown>
  guard: Record<string, unknown>
}

/** The plan in the answer to a `dryRun`; throws a {@link Problem}. */
export async function plan(call: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<Plan> {
  return (await settled<{ plan: Plan }>(call)).data!.plan
}
