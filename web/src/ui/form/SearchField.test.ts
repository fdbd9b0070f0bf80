// @vitest-environment jsdom
import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import SearchField from './SearchField.vue'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function field() {
  const made = mount(SearchField, {
    props: { label: 'Find', modelValue: '', 'onUpdate:modelValue': (modelValue: string) => void made.setProps({ modelValue }) },
  })
  const input = made.find('input')
  return { made, input, shown: () => input.element.value }
}

it('leaves a space that somebody has typed before the next word', async () => {
  const { made, input, shown } = field()
  await input.setValue('lets time ')
  await vi.advanceTimersByTimeAsync(1000)
  await nextTick()
  expect(made.props('modelValue')).toBe('lets time')
  expect(shown()).toBe('lets time ')
})

it('shows what was put in from elsewhere', async () => {
  const { made, shown } = field()
  await made.setProps({ modelValue: 'from the address' })
  expect(shown()).toBe('from the address')
})
