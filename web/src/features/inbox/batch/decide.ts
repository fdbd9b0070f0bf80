import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { queryClient } from '@/app/queries'
import { drop, freshen, recount } from '../desk/cache'
import type { Card } from '../desk/stack'

export interface Decided {
  card: Card
  /** Why it was not decided; null where it was. */
  error: NonNullable<Schemas['BatchAnswer']['error']> | null
}

/** Decides several alike; answers what became of each. */
export async function decideAll(cards: readonly Card[], verdict: 'approve' | 'reject'): Promise<Decided[]> {
  const body = { verdict, cards: cards.map(({ runId, hash }) => ({ runId: runId!, hash: hash! })), comment: null }
  const answers = await data<Schemas['BatchAnswer'][]>(api.POST('/api/v1/inbox/batch', { body }))
  const errors = new Map(answers.map(({ runId, error }) => [runId, error ?? null]))
  const decided = cards.map((card) => ({ card, error: errors.get(card.runId!) ?? null }))
  for (const { card, error } of decided) if (!error) drop(card.id)
  await told()
  return decided
}

/** Takes all of them back; answers how many had begun already. */
export async function takeAllBack(cards: readonly Card[]): Promise<number> {
  const ends = await Promise.allSettled(cards.map(({ runId, hash }) => data(api.POST('/api/v1/runs/{id}/reopen', { params: { path: { id: runId! } }, body: { hash: hash! } }))))
  await told()
  return ends.filter(({ status }) => status === 'rejected').length
}

async function told(): Promise<void> {
  await freshen()
  recount()
  void queryClient.invalidateQueries({ queryKey: [...keys.runs, 'list'] })
}
