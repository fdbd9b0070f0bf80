import { text } from '@/locales/en/deciding/inbox'
import type { Card } from '../desk/stack'

/** The step that asks, of a card that is a workflow's question; null of all others. */
export const stepOf = (card: Pick<Card, 'title'>): string | null => /^Step `(.+)` asks$/.exec(card.title)?.[1] ?? null

/** A card in words: of a question, the question comes first. */
export function told(card: Card): { title: string; about: string | null; why: string } {
  const step = stepOf(card)
  if (step) return { title: card.because, about: text.ofStep(step, card.about ?? ''), why: text.stepAsks }
  return { title: card.title, about: card.about ?? null, why: card.fault?.message ?? card.because }
}
