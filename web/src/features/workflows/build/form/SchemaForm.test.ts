// @vitest-environment jsdom
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { keys } from '@/api/keys'
import { text } from '@/locales/en/ui/fields'
import { fieldsOf } from '@/app/forms/fields'
import SchemaForm from '@/app/forms/SchemaForm.vue'
import { YAML_NOTATION } from './yaml'

const APP = '0190a7f2-0000-7000-8000-00000000abcd'
const SCHEMA = {
  properties: {
    app: { type: 'string', 'x-target': 'app' },
    reference: { type: 'string' },
    keep: { type: 'integer' },
    public: { type: 'boolean' },
    limits: { type: 'object' },
    settings: { type: 'object', properties: { port: { type: 'integer' } } },
  },
  required: ['app'],
}

function form(value: unknown, problems: { field: string; message: string }[] = []) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })
  client.setQueryData(keys.appList({ whole: true }), { items: [{ id: APP, name: 'shop' }], more: false })
  client.setQueryData(keys.nodeList({ whole: true }), { items: [], more: false })
  client.setQueryData(keys.projects, [])
  const found = problems.map((problem) => ({ ...problem, place: '', fix: '', path: [], step: 'a' }))
  const made = mount(SchemaForm, { props: { fields: fieldsOf(SCHEMA), value, notation: YAML_NOTATION, at: 'with', problems: found }, global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } })
  const at = (name: string, kind = 'input') => made.find(`[data-field=${name}] ${kind}`)
  /** Types into a field and leaves it. */
  const type = (name: string, typed: string, kind = 'input'): Promise<void> => at(name, kind).setValue(typed)
  return { made, at, type, told: () => made.emitted('set') }
}

it('offers the objects that an id may be of, by their names, and takes an expression instead', async () => {
  const { at, type, told } = form({})
  const options = () => at('app', 'select').findAll('option').map((option) => option.text())
  expect(options()).toEqual([text.choose, 'shop', text.expression])
  await at('app', 'select').setValue(APP)
  expect(told()).toEqual([[['app'], APP]])
  expect(at('app').exists()).toBe(false)
  await at('app', 'select').setValue('$')
  await type('app', '${{ inputs.app }}')
  expect(told()!.at(-1)).toEqual([['app'], '${{ inputs.app }}'])
})

it('shows an expression as one, also where a number or a yes is meant', () => {
  const { at } = form({ app: '${{ inputs.app }}', keep: '${{ inputs.keep }}', public: true })
  expect((at('app').element as HTMLInputElement).value).toBe('${{ inputs.app }}')
  expect((at('keep').element as HTMLInputElement).value).toBe('${{ inputs.keep }}')
  expect((at('public', 'select').element as HTMLSelectElement).value).toBe('true')
})

it('tells values of the right types, with their places, and nothing that is none', async () => {
  const { made, type, told } = form({ reference: 'main' })
  await type('keep', '3')
  await type('limits', 'memory: 64', 'textarea')
  await type('port', '8080')
  await type('reference', '')
  expect(told()).toEqual([[['keep'], 3], [['limits'], { memory: 64 }], [['settings', 'port'], 8080], [['reference'], undefined]])
  await type('keep', 'some')
  expect(told()).toHaveLength(4)
  expect(made.text()).toContain(text.noNumber)
})

it('says what the check finds at the field that it is about', () => {
  const { made } = form({}, [{ field: 'with.reference', message: 'It is no branch.' }])
  expect(made.find('[data-field=reference]').element.parentElement!.textContent).toContain('It is no branch.')
})
