// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from 'vitest'
import { access } from '@/api/session'
import { text as appText } from '@/locales/en/apps'
import { router } from './router'

const signIn = (due: { passwordChangeDue?: boolean; secondFactorDue?: boolean }): void => {
  const answer = { accessToken: 'one', expiresAt: new Date(Date.now() + 900_000).toISOString(), user: {}, permissions: [], passwordChangeDue: false, secondFactorDue: false, ...due }
  access.signedIn(answer as never, new Date().toISOString())
}
const at = (): string => router.currentRoute.value.path

beforeEach(() => {
  vi.stubGlobal('scrollTo', () => undefined)
  // Pages themselves are not looked at here.
  for (const route of router.getRoutes()) route.components = { default: { render: () => null } }
})

it.each([
  [{ passwordChangeDue: true }, '/own-password'],
  [{ secondFactorDue: true }, '/second-factor'],
  [{ passwordChangeDue: true, secondFactorDue: true }, '/own-password'],
])('%o leads to %s from everywhere, and home again once it is done', async (due, page) => {
  signIn(due)
  for (const path of ['/', '/settings/security', '/device', '/own-password', '/second-factor']) {
    await router.push(path)
    await vi.waitFor(() => expect(at(), path).toBe(page))
  }
  signIn({})
  await vi.waitFor(() => expect(at()).toBe('/'))
  await router.push(page)
  expect(at(), 'nothing is due').toBe('/')
})

it('leads there from the page that is open when it turns out', async () => {
  signIn({})
  await router.push('/settings/security')
  signIn({ secondFactorDue: true })
  await vi.waitFor(() => expect(at()).toBe('/second-factor'))
})

it('has an address for every tab of an app', () => {
  const { label: _, ...tabs } = appText.tabs
  for (const tab of Object.keys(tabs)) {
    const path = `/apps/0190a6e4-7a51-7c3e-8a4e-2f6c1b9d0e11/${tab === 'overview' ? '' : tab}`
    expect(router.resolve(path).name, path).toBe('app')
  }
})
