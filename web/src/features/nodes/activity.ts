import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/nodes'
import type { Tone } from '@/ui/tones'

type Line = Schemas['Activity']

/** What a line of the audit chain says, in words; an action without words keeps its name. */
export const deedOf = (line: Pick<Line, 'action'>): string => text.deeds[line.action] ?? line.action

const OUTCOMES: Record<string, Tone> = {
  succeeded: 'good',
  proposed: 'neutral',
  failed: 'bad',
  denied: 'bad',
  refused: 'bad',
  cloned_key: 'bad',
}
export const outcomeTone = (line: Pick<Line, 'outcome'>): Tone => OUTCOMES[line.outcome] ?? 'neutral'
export const outcomeOf = (line: Pick<Line, 'outcome'>): string => text.outcomes[line.outcome] ?? line.outcome

/** Who it was: oneself, a person, a program, or the node itself. */
export function whoOf(line: Pick<Line, 'actorKind' | 'actorRef'>, me: string | undefined): string {
  if (me && line.actorRef === me) return line.actorKind === 'token' ? text.yourToken : text.you
  return text.actors[line.actorKind] ?? line.actorKind
}

/** How the machine was let in, as far as its lines say: a token leaves a line, a code approved by a person leaves none here. */
export function enrolledBy(lines: Pick<Line, 'action'>[], whole: boolean): 'token' | 'code' | null {
  if (lines.some(({ action }) => action === 'node.enrol')) return 'token'
  return whole ? 'code' : null
}

/** Without the asking where the outcome is told, too: the whole chain is in the activity. */
export function folded<T extends Pick<Line, 'outcome' | 'runId' | 'action'>>(lines: T[]): T[] {
  const told = new Set(lines.filter(({ outcome }) => outcome !== 'proposed').map(({ runId, action }) => `${runId} ${action}`))
  return lines.filter(({ outcome, runId, action }) => outcome !== 'proposed' || !runId || !told.has(`${runId} ${action}`))
}

const OF_TRUST = new Set(['node.enrol', 'node.admit', 'node.locked', 'node.unlock', 'node.refused_message', 'node.remove'])
/** Whether a line is about the key and whom it is trusted by. */
export const isOfTrust = ({ action }: Pick<Line, 'action'>): boolean => OF_TRUST.has(action)
