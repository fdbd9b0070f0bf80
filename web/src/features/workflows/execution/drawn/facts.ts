import { text } from '@/locales/en/workflow/replay'
import { text as locale } from '@/locales/en/workflows'
import type { Entry, Fact } from './replay'

/** Facts of one moment that are told in full. */
const MOST = 3

const stateOf = (end: string | null | undefined): string => (locale.step.states[end ?? ''] ?? end ?? '').toLowerCase()

/** One fact, in words. */
export function inWords(fact: Fact): string {
  const step = fact.step ?? ''
  const { facts } = text
  switch (fact.fact) {
    case 'began': return facts.began
    case 'started': return facts.started(step, fact.attempt ?? 1)
    case 'asked': return facts.asked(step)
    case 'escalated': return facts.escalated(step)
    case 'waits': return facts.waits(step, fact.message ?? '')
    case 'opened': return facts.opened(step, fact.item ?? null)
    case 'item': return facts.item(step, (fact.item ?? 0) + 1, stateOf(fact.end))
    case 'chosen': return facts.chosen(step, (fact.case ?? 0) + 1)
    case 'retries': return facts.retries(step, fact.attempt ?? 1)
    case 'caught': return facts.caught(step)
    case 'ended': return facts.ended(step, stateOf(fact.end))
    case 'received': return facts.received(fact.message ?? '')
    case 'recovered': return facts.recovered
    case 'cancelling': return facts.cancelling
    case 'failing': return facts.failing
    case 'moved': return facts.moved(fact.version ?? 0)
    case 'finished': return facts.finished(stateOf(fact.end))
    default: return fact.fact
  }
}

/** What was recorded at one moment, in words. */
export function told({ facts }: Entry): string {
  const words = facts.slice(0, MOST).map(inWords).join('; ')
  return facts.length > MOST ? `${words}; ${text.facts.more(facts.length - MOST)}` : words
}
