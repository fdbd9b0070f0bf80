import type { InfiniteData } from '@tanstack/vue-query'
import type { Page, Schemas } from '@/api/client'

export type Card = Schemas['InboxCard']
export type Pages = InfiniteData<Page<Card>, string | undefined>

const unique = (cards: Card[]): Card[] => [...new Map(cards.map((card) => [card.id, card])).values()]

/** All cards that were read, each once. */
export const cardsOf = (pages: Pages | undefined): Card[] => unique(pages?.pages.flatMap(({ items }) => items) ?? [])

const mapped = (pages: Pages, change: (items: Card[]) => Card[]): Pages => ({
  ...pages,
  pages: pages.pages.map((page) => ({ ...page, items: change(page.items) })),
})

/** Without one card. */
export const without = (pages: Pages, id: string): Pages => mapped(pages, (items) => items.filter((card) => card.id !== id))

/** With a card as it is now. */
export const renewed = (pages: Pages, fresh: Card): Pages => mapped(pages, (items) => items.map((card) => (card.id === fresh.id ? fresh : card)))

/**
 * With the first page as it is now. What was read behind it stays, so that a stack of thousands is not read again for one
 * card; what was within its reach and is not there any more has gone.
 */
export function topped(pages: Pages, first: Page<Card>): Pages {
  const known = cardsOf(pages)
  const last = first.items.at(-1)
  if (!first.next || !last || pages.pages.length <= 1) return { pages: [first], pageParams: [undefined] }
  const fresh = new Set(first.items.map(({ id }) => id))
  const isBehind = (card: Card): boolean => card.kind !== 'alert' && card.id < last.id && !fresh.has(card.id)
  const behind = known.filter(isBehind)
  const [, ...others] = pages.pages
  const params = pages.pageParams.slice(1)
  // All that was behind is kept in one piece; the end of the last page is still the end.
  return { pages: [{ ...first, next: others[0] ? first.next : null }, { items: behind, next: others.at(-1)!.next }], pageParams: [undefined, params.at(-1)] }
}
