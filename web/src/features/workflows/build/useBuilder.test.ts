import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, type Ref } from 'vue'
import { text as locale } from '@/locales/en/workflow/canvas'
import { absent } from '../document/outline'
import { useBuilder, type Builder } from './useBuilder'

const DOCUMENT = 'name: w\nsteps:\n  - id: a # kept\n    query: /health\n  - id: b\n    query: /apps\n'
beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function built(document = DOCUMENT): { text: Ref<string>; builder: Builder; typed: (text: string) => Promise<void> } {
  const text = ref(document)
  const builder = effectScope(true).run(() => useBuilder(text))!
  const typed = async (now: string): Promise<void> => {
    builder.type(now)
    await nextTick()
    await vi.advanceTimersByTimeAsync(250)
  }
  return { text, builder, typed }
}
const keys = ({ items }: Builder): string[] => items.value.map(({ key }) => key)
const item = ({ byKey }: Builder, key: string) => byKey.value.get(key)!

it('what is typed is drawn, and what is drawn is written', async () => {
  const { text, builder, typed } = built()
  await typed(`${DOCUMENT}  - id: c\n    query: /nodes\n`)
  expect(keys(builder)).toEqual(['a', 'b', 'c'])
  builder.add({ after: item(builder, 'a') }, { id: 'ask', approval: { message: 'Go on?' } })
  expect(text.value).toContain('  - id: a # kept\n    query: /health\n  - id: ask\n    approval: { message: Go on? }\n  - id: b\n')
  expect(builder.selected.value).toBe('ask')
  expect(builder.drawn.value.links.map(({ key }) => key)).toEqual(['a>ask', 'ask>b', 'b>c'])
})

it('a change by hand is made to what was typed last, also before that was drawn', () => {
  const { text, builder } = built()
  builder.type(DOCUMENT.replace('/apps', '/nodes'))
  expect(builder.set(['steps', 0, 'timeout'], '5m')).toBe(true)
  expect(text.value).toContain('query: /nodes')
  expect(text.value).toContain('timeout: 5m')
})

it('a text that cannot be read keeps the drawing, says where, and takes no change', async () => {
  const { text, builder, typed } = built()
  await typed(`${DOCUMENT}  - { id: c\n`)
  expect(keys(builder)).toEqual(['a', 'b'])
  expect(builder.unread.value?.line).toBeGreaterThanOrEqual(7)
  expect(builder.set(['name'], 'x')).toBe(false)
  expect(builder.refused.value).toBe(locale.stale)
  expect(text.value).toContain('{ id: c')
  await typed(DOCUMENT)
  expect(builder.isStale.value).toBe(false)
})

it('what only the text can change is refused, and said', () => {
  const { builder } = built('base: &base { app: x }\nsteps:\n  - id: a\n    with: *base\n')
  expect(builder.set(['steps', 0, 'with', 'app'], 'y')).toBe(false)
  expect(builder.refused.value).toBe(locale.byHand)
})

it('everything is taken back, and done again', async () => {
  const { text, builder, typed } = built()
  await typed(DOCUMENT.replace('/apps', '/nodes'))
  builder.remove(item(builder, 'a'))
  expect(keys(builder)).toEqual(['b'])
  builder.undo()
  expect(keys(builder)).toEqual(['a', 'b'])
  builder.undo()
  expect(text.value).toBe(DOCUMENT)
  expect(builder.canUndo.value).toBe(false)
  builder.redo()
  builder.redo()
  expect(keys(builder)).toEqual(['b'])
})

it('what is chosen stays chosen under another id, and is let go with its step', () => {
  const { text, builder } = built()
  builder.select('a')
  expect(builder.rename(item(builder, 'a'), 'first')).toBe(true)
  expect(builder.selected.value).toBe('first')
  builder.remove(item(builder, 'first'))
  expect(builder.selected.value).toBe('b')
  builder.undo()
  expect(text.value).toContain('first # kept')
  builder.selectLink('first>b')
  expect([builder.selected.value, builder.selectedLink.value]).toEqual([null, 'first>b'])
})

it('what is done after a failure is written with its first step', () => {
  const { text, builder } = built()
  builder.add({ block: absent('catch', ['steps', 0, 'catch']) }, { id: 'mend', query: '/health' })
  builder.add({ block: absent('onFailure', ['onFailure']) }, { id: 'tell', query: '/health' })
  expect(text.value).toBe('name: w\nsteps:\n  - id: a # kept\n    query: /health\n    catch:\n      - id: mend\n        query: /health\n  - id: b\n    query: /apps\nonFailure:\n  - id: tell\n    query: /health\n')
})

it('another action takes none of the arguments of the one before', () => {
  const { text, builder } = built('steps:\n  - id: a\n    action: app.deploy\n    with: { app: x }\n    timeout: 5m\n')
  builder.swap(item(builder, 'a'), { action: 'app.restart' }, ['with'])
  expect(text.value).toBe('steps:\n  - id: a\n    action: app.restart\n    timeout: 5m\n')
})
