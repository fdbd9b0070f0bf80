// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { Problem } from '@/api/problem'
import { text } from '@/locales/en/panel/templates'
import { findingOf, useAltCheck } from './useAltCheck'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const plan = { steps: [], losses: [], waitsFor: null, decision: {}, guard: {} }
const refusal = (message: string) => new Problem({ code: 'value.refused', message, status: 422, fix: 'Mend it.' })

async function checked(start: string) {
  const typed = ref(start)
  const ask = vi.fn(async (document: Record<string, unknown>) => {
    if (document.name === 'taken') throw refusal('document.name: it is taken')
    return plan
  })
  const lint = vi.fn(async (body: string) => {
    const { name, stop } = JSON.parse(body) as { name?: string; stop?: string }
    const wrong = [name === '' && 'name', stop === '' && 'stop'].filter((place) => place !== false)
    return wrong.map((place) => ({ place, message: 'It is empty.', fix: 'Mend it.' }))
  })
  let check!: ReturnType<typeof useAltCheck>
  mount({ setup: () => ((check = useAltCheck(typed, () => 'c', ask, lint)), () => null) }, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  const rest = async () => {
    await flushPromises()
    await vi.advanceTimersByTimeAsync(1_000)
  }
  await rest()
  return { typed, ask, lint, check, rest }
}

it('judges what rests, and calls good only what was judged', async () => {
  const { typed, ask, lint, check, rest } = await checked('{ "name": "x" }')
  expect(check.isGood.value).toBe(true)
  for (const next of ['{ "name": "', '{ "name": ""', '{\n "name": "", "stop": "" }']) typed.value = next
  expect(check.isGood.value).toBe(false)
  await rest()
  expect(lint).toHaveBeenCalledTimes(2)
  expect(ask.mock.calls.map(([{ name }]) => name)).toEqual(['x'])
  expect(check.findings.value).toEqual([
    { place: 'name', message: 'It is empty. Mend it.', spot: { line: 2, column: 2 } },
    { place: 'stop', message: 'It is empty. Mend it.', spot: { line: 2, column: 14 } },
  ])
  expect(check.isGood.value).toBe(false)
})

it('asks what keeping it would do, where nothing else is wrong with it', async () => {
  const { check } = await checked('{ "name": "taken" }')
  expect(check.findings.value).toMatchObject([{ place: 'name', message: 'It is taken Mend it.' }])
  expect(check.failed.value).toBeNull()
})

it('does not ask about what is no object', async () => {
  const { ask, lint, check } = await checked('[1]')
  expect(lint).not.toHaveBeenCalled()
  expect(check.findings.value[0]?.message).toBe(text.edit.noObject)
  const broken = await checked('{\n "a": \n}')
  expect(broken.check.findings.value[0]?.spot?.line).toBe(3)
  expect(ask).not.toHaveBeenCalled()
})

it('tells what is not about the document apart', () => {
  expect(findingOf('{}', new Problem({ code: 'permission.missing', message: 'no', status: 403 }))).toBeNull()
  expect(findingOf('{}', refusal('ctrl: gone'))).toBeNull()
  expect(findingOf('{}', refusal('document: it is odd'))).toMatchObject({ place: '' })
})
