import { changes, decided } from '@/app/acting/changes'
import { text } from '@/locales/en/deciding/inbox'

export interface Line {
  field: string
  value: string
  /** What is there now, where that is known and another. */
  before?: string
}

/** What would be done, one line an argument, beside what is there now. */
export function lines(approval: { step?: string | null; diff: unknown }, name: (id: string) => string | undefined, app: object | null): Line[] {
  const now = new Map(app ? changes(app, name).map(({ field, value }) => [field, value]) : [])
  return decided(approval, name).map(({ field, value }) => {
    const before = now.get(field)
    return before !== undefined && before !== value ? { field, value, before } : { field, value }
  })
}

/** The facts a decision is bound to, in words. */
export function guarded(diff: unknown, name: (id: string) => string | undefined): Line[] {
  const guard = ((diff as { guard?: Record<string, unknown> } | null)?.guard ?? {}) as Record<string, unknown>
  return Object.entries(guard).flatMap(([key, value]) => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return []
    const told = Array.isArray(value)
      ? value.map((one: { name?: string; version?: number }) => (one?.name ? `${one.name} ${one.version ?? ''}`.trim() : String(one))).join(', ')
      : String(value)
    return [{ field: text.guard[key] ?? key, value: name(told) ?? told }]
  })
}
