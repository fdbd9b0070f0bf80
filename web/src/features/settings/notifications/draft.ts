import type { Change, Channel, Kind, NewChannel, Whose } from './useChannels'

/** Kinds that are made by hand; browsers subscribe by themselves. */
export const MADE = ['mail', 'slack', 'discord', 'ntfy', 'webhook'] as const
export type MadeKind = (typeof MADE)[number]

/** A channel as it is typed. */
export interface Draft {
  name: string
  kind: MadeKind
  url: string
  topic: string
  token: string
  to: string
  kinds: Kind[]
  /** Of all where `null`. */
  projects: string[] | null
  enabled: boolean
}

export const fresh = (kinds: Kind[]): Draft => ({ name: '', kind: 'mail', url: '', topic: '', token: '', to: '', kinds: [...kinds], projects: null, enabled: true })

/** What is known of a channel; its address is not. */
export const of = (channel: Channel): Draft => ({
  ...fresh([]),
  name: channel.name,
  kind: channel.kind as MadeKind,
  kinds: [...channel.kinds],
  projects: channel.projects ? [...channel.projects] : null,
  enabled: channel.enabled,
})

type Target = NewChannel['target']
function target(draft: Draft, whose: Whose): Target {
  const url = draft.url.trim()
  if (draft.kind === 'mail') return whose === 'team' ? { kind: 'mail', to: draft.to.trim() } : { kind: 'mail' }
  if (draft.kind === 'ntfy') return { kind: 'ntfy', url, topic: draft.topic.trim(), ...(draft.token.trim() ? { token: draft.token.trim() } : {}) }
  return { kind: draft.kind, url }
}

/** Whether an address was typed. */
const hasTarget = (draft: Draft, whose: Whose): boolean =>
  draft.kind === 'mail' ? whose === 'own' || !!draft.to.trim() : !!draft.url.trim() && (draft.kind !== 'ntfy' || !!draft.topic.trim())

/** Whether it can be sent; what is changed may keep its address. */
export const isReady = (draft: Draft, whose: Whose, edited: boolean): boolean =>
  !!draft.name.trim() && draft.kinds.length > 0 && draft.projects?.length !== 0 && (edited || hasTarget(draft, whose))

export function toAdd(draft: Draft, whose: Whose): NewChannel {
  return { name: draft.name.trim(), target: target(draft, whose), kinds: draft.kinds, ...(draft.projects ? { projects: draft.projects } : {}) }
}

export function toChange(draft: Draft, whose: Whose): Change {
  const typed = draft.kind === 'mail' ? whose === 'team' && !!draft.to.trim() : hasTarget(draft, whose)
  return {
    name: draft.name.trim(),
    kinds: draft.kinds,
    enabled: draft.enabled,
    ...(draft.projects ? { projects: draft.projects } : { allProjects: true }),
    ...(typed ? { target: target(draft, whose) } : {}),
  }
}
