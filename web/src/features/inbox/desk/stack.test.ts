import { expect, it } from 'vitest'
import { cardsOf, renewed, topped, without, type Card, type Pages } from './stack'

const card = (id: string, kind = 'approval'): Card => ({ id, kind, action: 'app.deploy', title: id, because: '', dangerous: false, pressing: false, at: '' }) as Card
const page = (ids: string, next: string | null) => ({ items: [...ids].map((id) => card(id)), next })
const pages = (...all: [string, string | null][]): Pages => ({ pages: all.map(([ids, next]) => page(ids, next)), pageParams: [undefined, ...all.slice(0, -1).map(([, next]) => next ?? undefined)] })
const ids = (found: Pages): string => cardsOf(found).map(({ id }) => id).join('')

it.each([
  ['a new one comes first', pages(['ih', 'h'], ['gf', 'f']), page('ji', 'i'), 'jihgf'],
  ['a decided one goes', pages(['ih', 'h'], ['gf', 'f']), page('ig', 'g'), 'igf'],
  ['one that came back stands where it belongs', pages(['ih', 'h'], ['fe', 'e']), page('ih', 'h'), 'ihfe'],
  ['a short stack is what it is now', pages(['ih', null]), page('h', null), 'h'],
  ['a stack that became short is no longer than that', pages(['ih', 'h'], ['g', null]), page('h', null), 'h'],
  ['an empty one is empty', pages(['ih', 'h'], ['g', null]), page('', null), ''],
])('%s', (_name, before, first, after) => expect(ids(topped(before, first))).toBe(after))

it('reads on behind what was read', () => {
  const found = topped(pages(['ih', 'h'], ['gf', 'f'], ['ed', 'd']), page('ji', 'i'))
  expect(found.pages.at(-1)!.next).toBe('d')
  expect(ids(found)).toBe('jihgfed')
})

it('takes machines in trouble from the first page alone', () => {
  const before = pages(['zi', 'i'], ['hg', 'g'])
  before.pages[0]!.items[0] = card('a', 'alert')
  expect(ids(topped(before, page('i', 'i')))).toBe('ihg')
})

it('shows each card once, and knows it by its id', () => {
  const both = pages(['ih', 'h'], ['hg', 'g'])
  expect(ids(both)).toBe('ihg')
  expect(ids(without(both, 'h'))).toBe('ig')
  expect(cardsOf(renewed(both, { ...card('h'), title: 'fresh' })).find(({ id }) => id === 'h')!.title).toBe('fresh')
})
