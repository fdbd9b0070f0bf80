// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const now = Date.parse('2026-11-21T10:00:00Z')
const signedIn = (token: string, secs = 900) => ({
  accessToken: token,
  expiresAt: new Date(now + secs * 1000).toISOString(),
  refreshToken: null,
  user: {},
  permissions: [],
  passwordChangeDue: false,
  secondFactorDue: false,
})
const answer = (status: number, data: unknown = null) =>
  new Response(JSON.stringify({ success: status < 400, data, error: data ? null : { code: 'auth.refused', message: 'No.' }, meta: { requestId: 'r', timestamp: new Date(now).toISOString() } }), { status })

const fetched = vi.fn<(url: string) => Promise<Response>>()
const open: { close(): void }[] = []
/** A tab of its own: modules are made anew, channels are shared. */
async function tab() {
  vi.resetModules()
  const { access } = await import('./session')
  open.push((access as unknown as { channel: BroadcastChannel }).channel)
  return access
}

beforeEach(() => {
  vi.useFakeTimers({ now, toFake: ['Date'] })
  vi.stubGlobal('fetch', fetched)
  fetched.mockReset()
})
afterEach(() => {
  open.splice(0).forEach((channel) => channel?.close())
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('the access token', () => {
  it('is renewed once, however many ask', async () => {
    const access = await tab()
    fetched.mockResolvedValue(answer(200, signedIn('one')))
    expect(await Promise.all([access.token(), access.token(), access.token()])).toEqual(['one', 'one', 'one'])
    expect(fetched).toHaveBeenCalledOnce()
    expect(access.state.value).toBe('in')
  })

  it('says what has to be done first, here and in other tabs, until it is done', async () => {
    const [access, other] = [await tab(), await tab()]
    access.signedIn({ ...signedIn('one'), passwordChangeDue: true } as never)
    expect(access.owes.value).toBe('password')
    await vi.waitFor(() => expect(other.owes.value).toBe('password'))
    fetched.mockResolvedValue(answer(200, signedIn('two')))
    expect(await access.renew('one')).toBe('two')
    expect(access.owes.value).toBeNull()
    await vi.waitFor(() => expect(other.owes.value).toBeNull())
  })

  it('is renewed a minute before it runs out, on this clock', async () => {
    const access = await tab()
    fetched.mockImplementation(() => Promise.resolve(answer(200, signedIn(`token ${fetched.mock.calls.length}`))))
    expect(await access.token()).toBe('token 1')
    vi.setSystemTime(now + 839_000)
    expect(await access.token()).toBe('token 1')
    vi.setSystemTime(now + 841_000)
    expect(await access.token()).toBe('token 2')
  })

  it.each([401, 403])('a cookie refused with %i is a person signed out', async (status) => {
    const access = await tab()
    fetched.mockResolvedValue(answer(status))
    expect(await access.token()).toBeNull()
    expect(access.state.value).toBe('out')
    expect(await access.token()).toBeNull()
    expect(fetched).toHaveBeenCalledOnce()
  })

  it.each<[string, () => Promise<Response>, string]>([
    ['nobody answers', () => Promise.reject(new TypeError('Failed to fetch')), 'network.away'],
    ['it is overloaded', () => Promise.resolve(answer(503)), 'auth.refused'],
  ])('where %s nobody is signed out', async (_, response, code) => {
    const access = await tab()
    fetched.mockImplementation(response)
    await expect(access.token()).rejects.toMatchObject({ code, isAway: true })
    expect(access.state.value).toBe('unknown')
    fetched.mockResolvedValue(answer(200, signedIn('later')))
    expect(await access.token()).toBe('later')
  })

  it('a stale one is exchanged, one that is newer already is taken', async () => {
    const access = await tab()
    fetched.mockImplementation(() => Promise.resolve(answer(200, signedIn(`token ${fetched.mock.calls.length}`))))
    await access.token()
    expect(await access.renew('token 1')).toBe('token 2')
    expect(await access.renew('token 1')).toBe('token 2')
    expect(fetched).toHaveBeenCalledTimes(2)
  })
})

it('tabs tell each other of signing in and out', async () => {
  const [one, other] = [await tab(), await tab()]
  fetched.mockResolvedValue(answer(200, signedIn('shared')))
  await one.token()
  await vi.waitFor(() => expect(other.state.value).toBe('in'))
  expect(await other.token()).toBe('shared')
  expect(fetched).toHaveBeenCalledOnce()
  one.signedOut()
  await vi.waitFor(() => expect(other.state.value).toBe('out'))
})
