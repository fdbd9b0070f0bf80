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
    if (document.name === '') throw refusal('document.name: it is empty')
    return plan
  })
  let check!: ReturnType<typeof useAltCheck>
  mount({ setup: () => ((check = useAltCheck(typed, () => 'c', ask)), () => null) }, { global: { plugins: [[VueQueryPlugin, { queryClient: new QueryClient() }]] } })
  const rest = async () => {
    await flushPromises()
    await vi.advanceTimersByTimeAsync(1_000)
  }
  await rest()
  return { typed, ask, check, rest }
}

it('judges what rests, and calls good only what was judged', async () => {
  const { typed, ask, check, rest } = await checked('{ "name": "x" }')
  expect(check.isGood.value).toBe(true)
  for (const next of ['{ "name": "', '{ "name": ""', '{\n "name": "" }']) typed.value = next
  expect(check.isGood.value).toBe(false)
  await rest()
  expect(ask.mock.calls.map(([{ name }]) => name)).toEqual(['x', ''])
  expect(check.finding.value).toEqual({ place: 'name', message: 'It is empty Mend it.', spot: { line: 2, column: 2 } })
  expect(check.isGood.value).toBe(false)
})

it('does not ask about what is no object', async () => {
  const { ask, check } = await checked('[1]')
  expect(ask).not.toHaveBeenCalled()
  expect(check.finding.value?.message).toBe(text.edit.noObject)
  const broken = await checked('{\n "a": \n}')
  expect(broken.check.finding.value?.spot?.line).toBe(3)
  expect(broken.ask).not.toHaveBeenCalled()
})

it('tells what is not about the document apart', () => {
  expect(findingOf('{}', new Problem({ code: 'permission.missing', message: 'no', status: 403 }))).toBeNull()
  expect(findingOf('{}', refusal('ctrl: gone'))).toBeNull()
  expect(findingOf('{}', refusal('document: it is odd'))).toMatchObject({ place: '' })
})
