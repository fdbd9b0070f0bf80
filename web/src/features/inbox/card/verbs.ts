import { Check, Clock, ExternalLink, FolderX, PencilLine, RotateCw, ThumbsDown, ThumbsUp, X } from '@lucide/vue'
import type { Component } from 'vue'
import { runPath } from '@/app/runTitle'
import { text } from '@/locales/en/deciding/inbox'
import type { Tone } from '@/ui/tones'
import type { Card } from '../desk/stack'
import { stepOf } from './told'

export type Answer = 'approve' | 'reject' | 'right' | 'wrong' | 'open' | 'node' | 'app' | 'server' | 'away' | 'retry' | 'edit' | 'snooze'

export interface Verb {
  answer: Answer
  label: string
  icon: Component
  tone: Tone
  /** The key that does it. */
  key: 'a' | 'r' | 'e' | 's'
}

const verb = (answer: Answer, icon: Component, tone: Tone, key: Verb['key']): Verb => ({ answer, label: text.verbs[answer], icon, tone, key })

const SNOOZE = verb('snooze', Clock, 'neutral', 's')
const AWAY = verb('away', FolderX, 'neutral', 'r')

/** What is tried again by asking for the same once more. */
const isSimple = (card: Card): boolean => card.action === 'app.deploy' && !!card.appId

/** What can be done with a card: to the right, to the left, and what else. */
export interface Verbs {
  right: Verb
  left: Verb
  others: Verb[]
}

/**
 * A question of a workflow's step has no arguments to edit; neither has what a step proposed, since the step waits for it, nor a
 * patch, whose text is not told.
 */
const isEditable = (card: Card): boolean => card.kind === 'approval' && !stepOf(card) && card.proposer?.kind !== 'workflow' && !card.action.startsWith('patch.')

export function verbsOf(card: Card): Verbs {
  switch (card.kind) {
    case 'approval':
      return {
        right: verb('approve', Check, 'good', 'a'),
        left: verb('reject', X, 'bad', 'r'),
        others: [...(isEditable(card) ? [verb('edit', PencilLine, 'neutral', 'e')] : []), SNOOZE],
      }
    case 'review':
      return { right: verb('right', ThumbsUp, 'good', 'a'), left: verb('wrong', ThumbsDown, 'bad', 'r'), others: [SNOOZE] }
    case 'alert':
      return { right: verb(card.serverId ? 'server' : isOfApp(card) ? 'app' : 'node', ExternalLink, 'info', 'a'), left: AWAY, others: [SNOOZE] }
    default:
      return { right: verb('open', ExternalLink, 'info', 'a'), left: AWAY, others: [...(isSimple(card) ? [verb('retry', RotateCw, 'neutral', 'e')] : []), SNOOZE] }
  }
}

/** An alert about an app or one of its schedules, not about its machine. */
export const isOfApp = (card: Card): boolean => card.action.startsWith('app.') || card.action.startsWith('schedule.')

/** An alert about a server of the panel. */
const isOfServer = (card: Card): boolean => card.action.startsWith('server.')

/** Where a card leads. A step that asks is shown open. */
export function pathOf(card: Card): string {
  if (card.kind === 'alert' && card.action.startsWith('schedule.')) return card.serverId ? `/servers/${card.serverId}/schedules` : `/apps/${card.appId ?? card.id}/schedules`
  if (card.kind === 'alert' && isOfServer(card)) return `/servers/${card.serverId ?? card.id}/monitoring`
  if (card.kind === 'alert') return isOfApp(card) ? `/apps/${card.appId ?? card.id}` : `/nodes/${card.nodeId ?? card.id}`
  const step = stepOf(card)
  return runPath({ id: card.runId!, action: card.action }) + (step ? `?step=${encodeURIComponent(step)}` : '')
}
