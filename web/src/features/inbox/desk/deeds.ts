import { api, data, type Schemas } from '@/api/client'
import { text } from '@/locales/en/deciding/inbox'
import { stepOf, told } from '../card/told'
import type { Card } from './stack'

/** What is done with one card. */
export interface Deed {
  card: Card
  /** In the past, as it is told: "Approved: Deploy shop". */
  said: string
  /** It ends something: sent when it cannot be undone here any more. */
  deferred: boolean
  /** Does it. `leaving`: the page is going away, the request has to outlive it. Answers until when it can be taken back. */
  send: (leaving: boolean) => Promise<Sent>
  takeBack?: () => Promise<unknown>
}

export interface Sent {
  /** By the control plane's clock, milliseconds. */
  until: number | null
  /** What came of it, where that is not what was meant. */
  note?: string
}

export function nameOf(card: Card): string {
  const { title, about } = told(card)
  return about && !stepOf(card) ? `${title}: ${about}` : title
}

const KEEPS = (leaving: boolean) => (leaving ? { keepalive: true } : {})
const runOf = (card: Card) => ({ path: { id: card.runId! } })
const written = (comment: string): string | null => comment.trim() || null

/** How many voices are missing still once this one is given. */
const missing = (card: Card): number => (card.quorum ? Math.max(0, card.quorum.needed - card.quorum.given - 1) : 0)

/** A step's decision is held by its own card: the run does not say until when. */
const HOLD_MS = 5_000
const heldUntil = (run: Schemas['Run'], now: number): number => (run.heldUntil ? Date.parse(run.heldUntil) : now + HOLD_MS)

export function approve(card: Card, comment: string, now: () => number): Deed {
  const left = missing(card)
  return {
    card,
    said: text.said.approved(nameOf(card)),
    deferred: false,
    send: async (leaving) => {
      const run = await data<Schemas['Run']>(api.POST('/api/v1/runs/{id}/approve', { params: runOf(card), body: { hash: card.hash!, comment: written(comment) }, ...KEEPS(leaving) }))
      // One voice of several is counted at once; there is nothing that is held.
      return left > 0 ? { until: null, note: text.said.counted(left) } : { until: heldUntil(run, now()) }
    },
    takeBack: () => data(api.POST('/api/v1/runs/{id}/reopen', { params: runOf(card), body: { hash: card.hash! } })),
  }
}

export const reject = (card: Card, comment: string): Deed => ({
  card,
  said: text.said.rejected(nameOf(card)),
  deferred: true,
  send: async (leaving) => {
    await data(api.POST('/api/v1/runs/{id}/reject', { params: runOf(card), body: { hash: card.hash!, comment: written(comment) }, ...KEEPS(leaving) }))
    return { until: null }
  },
})

export const review = (card: Card, good: boolean, comment: string): Deed => ({
  card,
  said: (good ? text.said.right : text.said.wrong)(nameOf(card)),
  deferred: true,
  send: async (leaving) => {
    await data(api.POST('/api/v1/runs/{id}/review', { params: runOf(card), body: { good, comment: written(comment) }, ...KEEPS(leaving) }))
    return { until: null }
  },
})

/** Puts a card aside until a moment, or for good. */
export const aside = (card: Card, until: Date | null, now: () => number): Deed => {
  const params = { path: { id: card.id } }
  return {
    card,
    said: until ? text.said.snoozed(nameOf(card), until) : text.said.away(nameOf(card)),
    deferred: false,
    send: async (leaving) => {
      await data(api.PUT('/api/v1/inbox/{id}/aside', { params, body: { until: until?.toISOString() ?? null }, ...KEEPS(leaving) }))
      return { until: now() + HOLD_MS }
    },
    takeBack: () => data(api.DELETE('/api/v1/inbox/{id}/aside', { params })),
  }
}
