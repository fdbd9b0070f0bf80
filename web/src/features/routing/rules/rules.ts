/** What runs by itself at a place, as the API has it. What is absent is as in the place above. */
export interface Rules {
  autoAt?: number
  notifyAt?: number
  samplePermille?: number
  neverAuto?: string[]
  waived?: string[]
  freezes?: Freeze[]
  budgets?: Budget[]
  approvals?: ApprovalRule[]
}

/** RFC 3339; what was kept before may still be milliseconds since 1970. */
export type Moment = string | number
export type When = { kind: 'now' } | { kind: 'between'; from: Moment; until: Moment } | { kind: 'weekly'; days: number[]; from: string; minutes: number; timezone: string }

export interface Freeze {
  name: string
  actions?: string[]
  when: When
}

export interface Budget {
  actions?: string[]
  runs: number
  minutes: number
  people?: boolean
}

export interface ApprovalRule {
  actions: string[]
  quorum: number
  approvers?: string[]
  fourEyes?: boolean
  expiresMinutes?: number
  escalateMinutes?: number
  escalateTo?: string[]
}

/** Rules as they are edited: every list is there, and none of them is that of what was read. */
export type Draft = Rules & Required<Pick<Rules, 'neverAuto' | 'waived' | 'freezes' | 'budgets' | 'approvals'>>

export const draftOf = (rules: Rules): Draft => ({ neverAuto: [], waived: [], freezes: [], budgets: [], approvals: [], ...(JSON.parse(JSON.stringify(rules)) as Rules) })

const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)

/** As it is sent: nothing empty, so that an untouched draft is what was read. */
function bare<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => isSaid(one))) as T
}

export const rulesOf = (draft: Draft): Rules => ({
  ...bare(draft),
  ...(draft.freezes.length ? { freezes: draft.freezes.map(bare) } : {}),
  // Zero runs are a budget too.
  ...(draft.budgets.length ? { budgets: draft.budgets.map(bare) } : {}),
  ...(draft.approvals.length ? { approvals: draft.approvals.map(bare) } : {}),
})

const sorted = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(sorted) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)])) : value

export const isSame = (one: Rules, other: Rules): boolean => JSON.stringify(sorted(rulesOf(draftOf(one)))) === JSON.stringify(sorted(rulesOf(draftOf(other))))

/** The gates that hold here: what is said, or what the installation says. */
export const gates = (rules: Rules, installed: Rules): { notifyAt: number; autoAt: number } => ({
  notifyAt: rules.notifyAt ?? installed.notifyAt ?? 70,
  autoAt: rules.autoAt ?? installed.autoAt ?? 90,
})

/** Both gates after one was moved: the first never passes the second. */
export function moved(draft: Draft, gate: 'notifyAt' | 'autoAt', to: number, installed: Rules): Pick<Draft, 'notifyAt' | 'autoAt'> {
  const now = { ...gates(draft, installed), [gate]: Math.min(100, Math.max(0, Math.round(to))) }
  if (now.notifyAt > now.autoAt) now[gate === 'notifyAt' ? 'autoAt' : 'notifyAt'] = now[gate]
  return now
}

export const MINUTE_MS = 60_000
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

/** A moment of the wall clock for a field of date and time, and back. */
export function wallText(moment: Moment): string {
  const at = new Date(moment)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}
export const wallMs = (text: string): number | null => {
  const ms = new Date(text).getTime()
  return Number.isFinite(ms) ? ms : null
}

/** Another kind of time, with what is usual for it. */
export function whenOf(kind: When['kind'], now: number): When {
  if (kind === 'now') return { kind }
  if (kind === 'between') return { kind, from: new Date(now).toISOString(), until: new Date(now + 24 * 60 * MINUTE_MS).toISOString() }
  return { kind, days: [5], from: '18:00', minutes: 60 * 62, timezone: zone() }
}

/** Actions that a pattern of this list may name: all, families, and one by one. */
export const patterns = (actions: readonly string[]): string[] => ['*', ...new Set(actions.map((name) => `${name.split('.')[0]}.*`)), ...actions]
