// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { api } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/deciding/inbox'
import EditDialog from './EditDialog.vue'

afterEach(() => vi.restoreAllMocks())

const SCHEMA = { properties: { count: { type: 'integer' }, settings: { type: 'object', properties: { port: { type: ['integer', 'null'] } } } }, required: ['count'] }
const AppDialog = { template: '<div><slot /><slot name="footer" /></div>' }

function dialog(args: object, schema: object | null) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })
  client.setQueryData(keys.actions, [{ name: 'thing.do', arguments: schema }])
  const post = vi.spyOn(api, 'POST').mockResolvedValue({ data: { success: true, data: { plan: {} }, meta: {} }, response: new Response() } as never)
  const made = mount(EditDialog, {
    props: { open: true, card: { id: 'c', hash: 'h', title: 'Do' } as never, run: { id: 'r', action: 'thing.do', args } as never },
    global: { plugins: [[VueQueryPlugin, { queryClient: client }]], stubs: { AppDialog } },
  })
  const isReady = () => made.find('button[type=submit]').attributes('disabled') === undefined
  const field = (name: string) => made.find(`[data-field=${name}] input`)
  return { made, isReady, field, post }
}

it('is a form of the action, and proposes nothing that is no value', async () => {
  const { made, isReady, field } = dialog({ count: 3, settings: { port: 80 } }, SCHEMA)
  await flushPromises()
  expect(made.find('textarea').exists()).toBe(false)
  expect(isReady()).toBe(false)
  await field('port').setValue('81')
  expect(isReady()).toBe(true)
  for (const wrong of ['', '1.5', 'three', '1e400']) {
    await field('count').setValue(wrong)
    expect([wrong, isReady()]).toEqual([wrong, false])
    expect(made.find('[role=alert]').exists()).toBe(true)
  }
  await field('count').setValue('3')
  await field('port').setValue('80')
  expect(isReady()).toBe(false)
  expect(made.text()).toContain(text.edit.same)
})

it('is JSON where the schema does not tell of all there is, and says what is wrong with it', async () => {
  const { made, isReady } = dialog({ count: 3, odd: [1] }, SCHEMA)
  await flushPromises()
  const area = made.find('textarea')
  expect(JSON.parse(area.element.value)).toEqual({ count: 3, odd: [1] })
  await area.setValue('{ "count": ')
  expect([isReady(), made.find('[role=alert]').text()]).toEqual([false, expect.stringContaining('JSON')])
  await area.setValue('[1]')
  expect([isReady(), made.find('[role=alert]').text()]).toEqual([false, text.edit.noObject])
  await area.setValue('{ "count": 4, "odd": [1] }')
  expect(isReady()).toBe(true)
})
