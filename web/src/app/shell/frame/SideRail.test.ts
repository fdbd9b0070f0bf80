// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/shell'
import SideRail from './SideRail.vue'

describe('the rail', () => {
  it.each([
    { operator: true, shown: true },
    { operator: undefined, shown: false },
  ])('shows teams to who operates the installation alone: $operator', ({ operator, shown }) => {
    const client = new QueryClient()
    client.setQueryData(keys.me, { permissions: [], grants: [], operator })
    const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:all(.*)*', component: { template: '<i />' } }] })
    const rail = mount(SideRail, { global: { plugins: [router, [VueQueryPlugin, { queryClient: client }]], stubs: { HintTip: { template: '<span><slot /></span>' } } } })
    const labels = rail.findAll('a').map((link) => link.text())
    expect(labels.includes(text.teams)).toBe(shown)
    expect(labels).toContain(text.team)
  })
})
