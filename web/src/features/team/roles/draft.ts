import type { Schemas } from '@/api/client'

type Role = Schemas['Role']

/** A role while it is made or changed. */
export interface Draft {
  /** Null for a new one. */
  id: string | null
  name: string
  description: string
  permissions: string[]
}

export const draftOf = (role: Role): Draft => ({ id: role.id, name: role.title, description: role.description, permissions: [...role.permissions] })
export const newDraft = (like?: Role): Draft => ({ id: null, name: '', description: '', permissions: [...(like?.permissions ?? [])] })

/** What a draft allows besides, and no more. */
export function difference(before: readonly string[], after: readonly string[]): { added: string[]; removed: string[] } {
  const was = new Set(before)
  const is = new Set(after)
  return { added: after.filter((name) => !was.has(name)), removed: before.filter((name) => !is.has(name)) }
}

/** What of a draft is sent as a change: only what differs. */
export function changeOf(role: Role, draft: Draft): Schemas['ChangeRole'] {
  const { added, removed } = difference(role.permissions, draft.permissions)
  return {
    ...(draft.name.trim() !== role.title ? { name: draft.name.trim() } : {}),
    ...(draft.description.trim() !== role.description ? { description: draft.description.trim() } : {}),
    ...(added.length + removed.length > 0 ? { permissions: draft.permissions } : {}),
  }
}
