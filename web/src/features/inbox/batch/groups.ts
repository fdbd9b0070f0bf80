import type { Card } from '../desk/stack'

/** Cards of one batch at the most. */
export const MAX_BATCH = 50

/** Cards that are alike: one action, by one proposer. */
export interface Group {
  key: string
  title: string
  proposer: string | null
  /** Those that can be decided together, newest first. */
  cards: Card[]
  /** So many are alike, but decided by themselves: something is lost by them, or who may do what changes. */
  dangerous: number
}

/** Groups of two or more that can be decided together, the largest first. */
export function groups(cards: readonly Card[]): Group[] {
  const found = new Map<string, Group>()
  for (const card of cards) {
    if (card.kind !== 'approval' || !card.hash || !card.runId) continue
    const { title, proposer } = card
    const key = JSON.stringify([card.action, title, proposer?.kind, proposer?.userId, proposer?.agentId])
    const group = found.get(key) ?? { key, title, proposer: proposer?.agentName ?? proposer?.name ?? null, cards: [], dangerous: 0 }
    if (card.dangerous) group.dangerous++
    else if (group.cards.length < MAX_BATCH) group.cards.push(card)
    found.set(key, group)
  }
  return [...found.values()].filter((group) => group.cards.length > 1).sort((one, other) => other.cards.length - one.cards.length)
}
