// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/shell'
import SideRail from './SideRail.vue'

function labelsFor(me: object): string[] {
  const client = new QueryClient()
  client.setQueryData(keys.me, { permissions: [], grants: [], ...me })
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:all(.*)*', component: { template: '<i />' } }] })
  const rail = mount(SideRail, { global: { plugins: [router, [VueQueryPlugin, { queryClient: client }]], stubs: { HintTip: { template: '<span><slot /></span>' } } } })
  return rail.findAll('a').map((link) => link.text())
}

describe('the rail', () => {
  it.each([
    { operator: true, shown: true },
    { operator: undefined, shown: false },
  ])('shows teams to who operates the installation alone: $operator', ({ operator, shown }) => {
    const labels = labelsFor({ operator })
    expect(labels.includes(text.teams)).toBe(shown)
    expect(labels).toContain(text.team)
  })
  it.each([
    { permissions: ['workflow:view'], shown: true },
    { permissions: ['app:view'], shown: false },
  ])('shows workflows to who may see them: $permissions', ({ permissions, shown }) =>
    expect(labelsFor({ permissions }).includes(text.workflows)).toBe(shown))
  it.each([
    { me: { permissions: ['monitoring:view'] }, shown: true },
    { me: { grants: [{ object: { kind: 'server', id: 's' }, permissions: ['monitoring:view'] }] }, shown: true },
    { me: { grants: [{ object: { kind: 'server', id: 's' }, permissions: ['server:view'] }] }, shown: false },
  ])('shows monitoring to who may see it anywhere: $me', ({ me, shown }) => expect(labelsFor(me).includes(text.monitoring)).toBe(shown))
})
