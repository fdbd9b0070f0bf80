// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/panel/console'
import CommandLine from './CommandLine.vue'

const server = { id: 's', nodeId: 'n', projectId: 'p', state: 'running', unknownSince: null } as unknown as Schemas['Server']
let sent: string[]
let answer: object

beforeEach(() => {
  localStorage.clear()
  sent = []
  answer = { data: { success: true, data: { run: { id: 'r', state: 'sent' } }, meta: {} }, response: new Response() }
  vi.spyOn(api, 'POST').mockImplementation((async (_path: string, { body }: { body: { line: string } }) => (sent.push(body.line), answer)) as never)
})
afterEach(() => vi.restoreAllMocks())

function line(permissions: string[] = ['console:command']) {
  const client = new QueryClient()
  client.setQueryData(keys.me, { permissions: [], grants: [{ object: { kind: 'server', id: 's' }, permissions }] })
  const page = mount(CommandLine, { props: { server }, global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } })
  const field = () => page.find<HTMLInputElement>('input')
  const send = async (words: string) => {
    await field().setValue(words)
    await page.find('form').trigger('submit')
    await flushPromises()
  }
  return { page, field, send }
}

it('sends a line as it is, and is empty again', async () => {
  const { field, send } = line()
  await send('  say <b>hi</b>')
  await send('   ')
  expect(sent).toEqual(['  say <b>hi</b>'])
  expect(field().element.value).toBe('   ')
})

it('brings back what was sent, for this server alone', async () => {
  const { field, send, page } = line()
  await send('list')
  await send('say hi')
  await field().setValue('half')
  for (const [key, shown] of [['up', 'say hi'], ['up', 'list'], ['up', 'list'], ['down', 'say hi'], ['down', 'half']] as const) {
    await field().trigger(`keydown.${key}`)
    expect(field().element.value).toBe(shown)
  }
  await flushPromises()
  page.unmount()
  expect(JSON.parse(localStorage.getItem('serverflow.commands.s')!)).toEqual(['list', 'say hi'])
  expect(localStorage.getItem('serverflow.commands.t')).toBeNull()
})

it('gives back what was refused, with the reason', async () => {
  answer = { error: { success: false, error: { code: 'value.refused', message: 'line: no line breaks', details: { fix: 'Send them one by one.' } }, meta: {} }, response: new Response(null, { status: 422 }) }
  const { page, field, send } = line()
  await send('say hi')
  expect(field().element.value).toBe('say hi')
  expect(page.get('[role=alert]').text()).toBe('No line breaks Send them one by one.')
})

it('does not send what no console takes', async () => {
  const { page, send } = line()
  await send('ü'.repeat(513))
  expect(sent).toEqual([])
  expect(page.get('[role=alert]').text()).toBe(text.tooLong)
})

it('is not there for who may only look', () => {
  const { page } = line(['console:view'])
  expect(page.find('input').exists()).toBe(false)
  expect(page.text()).toContain(text.mayNot)
})
