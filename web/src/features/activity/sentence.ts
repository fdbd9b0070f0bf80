import type { RouteLocationRaw } from 'vue-router'
import type { Schemas } from '@/api/client'
import { runPath } from '@/app/runTitle'
import { text } from '@/locales/en/activity'

type Line = Schemas['Activity']

/** Who and what the lines speak of, as far as it is known. */
export interface Names {
  me: string | null
  /** What people are called, by id. */
  people: ReadonlyMap<string, string>
  apps: ReadonlyMap<string, string>
  nodes: ReadonlyMap<string, string>
}

/** A line as people read it: who did what to what. */
export interface Sentence {
  who: string
  did: string
  /** Empty where the sentence needs none. */
  what: string
  to: RouteLocationRaw | null
}

/** Enough of an id to tell two apart. */
export const short = (id: string): string => id.slice(-6)

function who({ actorKind, actorRef, actorName }: Line, { me, people, nodes }: Names): string {
  if (actorKind === 'system') return text.system
  if (actorKind === 'node') return nodes.get(actorRef) ?? actorName ?? text.gone('Node', short(actorRef))
  if (actorKind === 'workflow' || actorKind === 'trigger') return text.byWorkflow(actorKind, actorName ?? null)
  const name = actorRef === me ? text.you : (actorName ?? people.get(actorRef) ?? text.somebody(short(actorRef)))
  return actorKind === 'token' ? text.token(name) : actorKind === 'ai' ? text.ai(name) : name
}

function target({ action, targetKind, targetId, targetName, runId, actorRef }: Line, { apps, nodes }: Names): Pick<Sentence, 'what' | 'to'> {
  const known = targetKind === 'app' ? apps.get(targetId) : targetKind === 'node' ? nodes.get(targetId) : undefined
  if (known) return { what: known, to: { name: targetKind, params: { id: targetId } } }
  if (targetKind === 'run') return { what: text.gone('run', short(targetId)), to: { name: 'run', params: { id: targetId } } }
  if (targetKind === 'user' && targetId !== actorRef) return { what: targetName ?? text.gone('user', short(targetId)), to: { name: 'person', params: { id: targetId } } }
  if (targetName && targetId !== actorRef) return { what: targetName, to: null }
  if (targetKind === 'tenant' || targetKind === 'token' || targetId === actorRef) return { what: '', to: null }
  return { what: text.gone(targetKind, short(targetId)), to: runId ? runPath({ id: runId, action }) : null }
}

/** "You were", everybody else was. */
const said = (who: string, did: string): string => (who === text.you ? did.replace(/^was /, 'were ') : did)

export function sentence(line: Line, names: Names): Sentence {
  const by = who(line, names)
  const whole = text.sentences[`${line.action} ${line.outcome}`]
  if (whole) return { who: by, did: said(by, whole), what: '', to: null }
  const [infinitive, past] = text.verbs[line.action] ?? [line.action, line.action]
  const did =
    line.outcome === 'succeeded' ? past
    : line.outcome === 'proposed' ? `${text.asked} ${infinitive}`
    : line.outcome === 'denied' || line.outcome === 'refused' ? `${text.refused} ${infinitive}`
    : `${text.tried} ${infinitive}`
  return { who: by, did: said(by, did), ...target(line, names) }
}
