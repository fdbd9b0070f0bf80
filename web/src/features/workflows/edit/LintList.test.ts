// @vitest-environment jsdom
import { mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { text } from '@/locales/en/workflows'
import LintList from './LintList.vue'

const base = { lint: null, isEmpty: false, isChecking: false, failed: null, again: () => undefined }
const problems = [
  { place: 'steps[2].with.app', message: 'There is no field `ap`.', fix: 'Write `app`.' },
  { place: '', message: 'It has no name.', fix: '' },
]

it('lists each problem with its place and what to do', () => {
  const list = mount(LintList, { props: { ...base, lint: { ok: false, problems, schedules: [] } } })
  expect(list.find('[role=status]').text()).toBe(text.lint.wrong(2))
  const lines = list.findAll('[data-problem]').map((line) => line.text())
  expect(lines[0]).toBe('steps[2].with.appThere is no field `ap`.Write `app`.')
  expect(lines[1]).toContain(text.lint.whole)
})

it.each([
  [{ isEmpty: true }, text.lint.empty],
  [{ isChecking: true }, text.lint.checking],
  [{ lint: { ok: true, steps: 1, problems: [], schedules: [] } }, text.lint.ok(1)],
])('says where the check stands: %o', (props, expected) => {
  const list = mount(LintList, { props: { ...base, ...props } })
  expect(list.find('[role=status]').text()).toBe(expected)
  expect(list.find('[data-problem]').exists()).toBe(false)
})

it('leads from a problem to its place, where there is one to lead to', async () => {
  const list = mount(LintList, { props: { ...base, lint: { ok: false, problems, schedules: [] }, leads: true } })
  await list.findAll('[data-problem] button')[1]!.trigger('click')
  expect(list.emitted('go')).toEqual([[1]])
  expect(mount(LintList, { props: { ...base, lint: { ok: false, problems, schedules: [] } } }).find('[data-problem] button').exists()).toBe(false)
})
