import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Problem } from './problem'

const meta = { requestId: 'req-1', timestamp: new Date().toISOString() }
const good = (data: unknown) => new Response(JSON.stringify({ success: true, data, error: null, meta }), { status: 200, headers: { 'content-type': 'application/json' } })
const bad = (status: number, error: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ success: false, data: null, error, meta }), { status, headers: { 'content-type': 'application/json', ...headers } })

const sent: Request[] = []
let answers: (() => Response | Promise<Response>)[] = []
const token = vi.fn<() => Promise<string | null>>()
const renew = vi.fn<(stale: string | null) => Promise<string | null>>()
vi.mock('./session', () => ({ access: { token: () => token(), renew: (stale: string) => renew(stale) } }))

async function client() {
  vi.resetModules()
  return import('./client')
}
beforeEach(() => {
  sent.length = 0
  token.mockReset().mockResolvedValue('first')
  renew.mockReset().mockResolvedValue('second')
  vi.useFakeTimers()
  vi.stubGlobal('fetch', (request: Request) => {
    sent.push(request)
    return Promise.resolve((answers.shift() ?? (() => good([])))())
  })
  // Requests of this test have a base; in a browser the page's own is taken.
  const Own = Request
  vi.stubGlobal('Request', class extends Own {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(typeof input === 'string' ? new URL(input, 'http://plane.test') : input, init)
    }
  })
})
afterEach(() => {
  answers = []
  vi.useRealTimers()
  vi.unstubAllGlobals()
})
const caught = (call: Promise<unknown>): Promise<Problem> => call.then(() => Promise.reject(new Error('it succeeded')), (error: Problem) => error)

describe('credentials', () => {
  it('one that has run out is renewed once, unseen', async () => {
    const { api, page } = await client()
    answers = [() => bad(401, { code: 'auth.token', message: 'Expired.' }), () => good([{ id: 'a' }])]
    expect((await page(api.GET('/api/v1/apps'))).items).toHaveLength(1)
    expect(sent.map((request) => request.headers.get('authorization'))).toEqual(['Bearer first', 'Bearer second'])
    expect(renew).toHaveBeenCalledExactlyOnceWith('first')
  })
  it('where none is to be had the refusal is told', async () => {
    const { api, page } = await client()
    renew.mockResolvedValue(null)
    answers = [() => bad(401, { code: 'auth.token', message: 'Expired.' })]
    expect(await caught(page(api.GET('/api/v1/apps')))).toMatchObject({ status: 401, code: 'auth.token', requestId: 'req-1' })
    expect(sent).toHaveLength(1)
  })
})

describe('patience', () => {
  it('a read that is one too many waits at least as long as it was told', async () => {
    const { api, page } = await client()
    answers = [() => bad(429, { code: 'rate.limited', message: 'Too many.' }, { 'retry-after': '2' }), () => good([])]
    const read = page(api.GET('/api/v1/apps'))
    await vi.advanceTimersByTimeAsync(1_990)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(600)
    await read
    expect(sent).toHaveLength(2)
  })
  it('a read that meets nobody is tried three times, then told', async () => {
    const { api, page } = await client()
    answers = Array.from({ length: 3 }, () => () => Promise.reject(new TypeError('Failed to fetch')))
    const problem = caught(page(api.GET('/api/v1/apps')))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await problem).toMatchObject({ code: 'network.away', isAway: true })
    expect(sent).toHaveLength(3)
  })
  it('a write is sent once, with a key of its own', async () => {
    const { api, data } = await client()
    answers = [() => bad(503, { code: 'plane.busy', message: 'Later.' })]
    const write = () => caught(data(api.POST('/api/v1/apps/{id}/restart', { params: { path: { id: 'a' } } })))
    expect(await write()).toMatchObject({ status: 503 })
    answers = [() => bad(409, { code: 'run.busy', message: 'Busy.' })]
    await write()
    const keys = sent.map((request) => request.headers.get('idempotency-key'))
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(2)
    expect(keys.every((key) => key && key.length >= 32)).toBe(true)
  })
})

describe('answers', () => {
  it('a page knows what comes after it', async () => {
    const { api, page } = await client()
    answers = [() => new Response(JSON.stringify({ success: true, data: [1], error: null, meta: { ...meta, page: { next: 'n' } } }), { headers: { 'content-type': 'application/json' } })]
    expect(await page(api.GET('/api/v1/apps'))).toEqual({ items: [1], next: 'n' })
  })
  it('a refusal keeps what to do, the field and the id to quote', async () => {
    const { api, data } = await client()
    answers = [() => bad(422, { code: 'app.name', message: 'Taken.', details: { fix: 'Choose another.', field: 'name' } })]
    expect(await caught(data(api.POST('/api/v1/apps', { body: {} as never })))).toMatchObject({ message: 'Taken.', fix: 'Choose another.', field: 'name', requestId: 'req-1', status: 422 })
  })
  it('an answer of something in between is told as such', async () => {
    const { api, data } = await client()
    answers = [() => new Response('<h1>Bad gateway</h1>', { status: 502 })]
    expect(await caught(data(api.POST('/api/v1/apps', { body: {} as never })))).toMatchObject({ status: 502, isAway: true })
  })
})

describe('what answers in place of the control plane', () => {
  const page = '<html><h1>Sign in to the network</h1></html>'
  const problemOf = async (answer: () => Response): Promise<Problem> => {
    const { api, data } = await client()
    answers = [answer]
    return data(api.GET('/api/v1/nodes')).then(
      () => expect.unreachable(),
      (problem: Problem) => problem,
    )
  }
  it.each([
    ['a page', () => new Response(page, { headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response('')],
    ['null', () => new Response('null')],
    ['something alike', () => new Response('{"success":true}')],
  ])('%s is told from it, and not asked again and again', async (_, answer) => {
    const problem = await problemOf(answer)
    expect(problem).toMatchObject({ code: 'answer.strange', isPassing: false })
  })
  it('and a failure without words is told with what to look at', async () => {
    const problem = await problemOf(() => new Response(page, { status: 500 }))
    expect(problem).toMatchObject({ code: 'http.500', status: 500 })
    expect(problem.fix).not.toBe('')
  })
})
