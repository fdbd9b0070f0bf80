import { text } from '@/locales/en/workflows'
import type { Workflow } from '../workflowActs'

/** What starts a workflow by itself: the next moment, or in words why there is none. */
export function startsOf({ triggers, enabled }: Pick<Workflow, 'triggers' | 'enabled'>): { at: string } | { words: string } {
  if (triggers.length === 0) return { words: text.noTrigger }
  if (!enabled) return { words: text.off }
  const next = triggers.flatMap(({ nextAt }) => nextAt ?? []).sort((one, other) => Date.parse(one) - Date.parse(other))[0]
  if (next) return { at: next }
  return { words: triggers.some(({ kind }) => kind === 'webhook') ? text.hooks : text.never }
}
