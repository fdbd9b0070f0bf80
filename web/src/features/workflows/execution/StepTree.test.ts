// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { text } from '@/locales/en/workflows'
import type { ExecutionDetail, Step } from '../workflowActs'
import StepTree from './StepTree.vue'

const step = (key: string, over: Partial<Step> = {}): Step => ({ key, kind: 'action', state: 'succeeded', attempts: 1, outputLeftOut: false, tries: [], runs: [], ...over }) as Step
const fault = { kind: 'conflict', code: 'deploy.build_failed', message: 'The build failed.', fix: 'Look at its log.' }
const steps = [
  step('first', { output: { count: 7 } as never }),
  step('each', { kind: 'map', state: 'failed', fault: { ...fault, message: 'An item failed.' } }),
  step('deploy@0', { parent: 'each' }),
  step('deploy@1', {
    parent: 'each', state: 'failed', attempts: 3, fault, call: { app: 'shop' } as never,
    tries: [{ attempt: 1, fault: { ...fault, message: 'It was busy.' } }], runs: ['0190a7f2-0000-7000-8000-00000000abcd'],
  }),
]

async function shown(execution: Partial<ExecutionDetail>, query = '') {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:all(.*)*', component: { template: '<i />' } }] })
  await router.push(`/run${query}`)
  const whole = { runId: 'r', workflowId: 'w', version: 1, state: 'done', ...execution } as unknown as ExecutionDetail
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const found = mount(StepTree, { props: { execution: whole, now: 0, mayFork: true }, global: { plugins: [router, [VueQueryPlugin, { queryClient: client }]] } })
  return { found, router, open: () => found.findAll('[data-step]').filter((one) => one.find('[aria-expanded=true]').exists()).map((one) => one.attributes('data-step')) }
}
const tree = (query = '') => shown({ failedStep: 'each', steps }, query)

it('opens the step where the cause is by itself, with all that is known of it', async () => {
  const { found, open } = await tree()
  expect(open()).toEqual(['deploy@1'])
  const shown = found.find('[data-step="deploy@1"]').text()
  for (const part of [fault.message, fault.fix, '"app": "shop"', 'It was busy.', text.step.states.failed!, text.step.attempts(3)]) expect(shown).toContain(part)
  expect(found.find('[data-step="deploy@1"] a').attributes('href')).toBe('/runs/0190a7f2-0000-7000-8000-00000000abcd')
  await found.findAll('[data-step="deploy@1"] button').at(-1)!.trigger('click')
  expect(found.emitted('fork')).toEqual([['deploy@1']])
})

it('opens what is chosen instead, keeps it in the address, and lets it be closed', async () => {
  const { found, router, open } = await tree('?step=first')
  expect(open()).toEqual(['first'])
  expect(found.text()).toContain('"count": 7')
  await found.find('[data-step=each] button').trigger('click')
  await flushPromises()
  expect(open()).toEqual(['each'])
  expect(router.currentRoute.value.query.step).toBe('each')
  await found.find('[data-step=each] button').trigger('click')
  await flushPromises()
  expect(open()).toEqual([])
})

it('says of a moment to come what it is', async () => {
  const told = async (state: string) => (await shown({ state: 'running', steps: [step('one', { state, wakesAt: '2026-01-01T01:00:00Z' })] }, '?step=one')).found.text()
  expect(await told('retrying')).toContain(text.step.wakes.retrying)
  expect(await told('waiting')).toContain(text.step.wakes.waiting)
  expect(await told('running')).toContain(text.step.limit)
})

it('tells what a fork has kept from before from what it has done itself', async () => {
  const done = step('done', { startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:02Z' })
  const { found } = await shown({ forkedFrom: 'q', steps: [step('kept'), done] })
  expect(found.find('[data-step=kept]').text()).toContain(text.step.kept)
  expect(found.find('[data-step=done]').text()).not.toContain(text.step.kept)
})
