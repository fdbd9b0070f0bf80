import { expect, it } from 'vitest'
import { text } from '@/locales/en/workflows'
import { useInput } from './useInput'

const inputs = { schema: { properties: { app: { type: 'string' }, count: { type: 'integer', default: 2 }, list: { type: 'array' } }, required: ['app'] } }

it('carries what was written between form and JSON, and loses nothing that no field shows', () => {
  const draft = useInput(inputs, null)
  expect(draft.value.value).toBeNull()
  expect(draft.errorOf('app')).toBe(text.input.needed)
  draft.typed.app = 'a'
  expect(draft.value.value).toEqual({ app: 'a', count: 2 })
  draft.mode.value = 'json'
  expect(JSON.parse(draft.json.value)).toEqual({ app: 'a', count: 2 })
  draft.json.value = '{"app":"b","list":[1]}'
  draft.mode.value = 'form'
  expect(draft.typed).toEqual({ app: 'b', count: '' })
  expect(draft.value.value).toEqual({ app: 'b', list: [1] })
})

it('keeps JSON that is none where it can be mended', () => {
  const draft = useInput(inputs, { app: 'a' })
  draft.mode.value = 'json'
  draft.json.value = '{'
  draft.mode.value = 'form'
  expect(draft.mode.value).toBe('json')
  expect(draft.jsonError.value).toBe(text.input.noJson)
  expect(draft.value.value).toBeNull()
})

it.each([
  [{ schema: null }, true, false],
  ['unread' as const, false, true],
])('has no form for %j', (found, isNone, isUnread) => {
  const draft = useInput(found, null)
  expect(draft).toMatchObject({ hasForm: false, isNone, isUnread })
  expect(draft.value.value).toEqual({})
})
