export type ValueKind = 'text' | 'number' | 'bool'

export const kindOf = (value: unknown): ValueKind => (typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'number' : 'text')

/** A typed value as one of a kind; what is no whole number is 0. */
export function asKind(typed: string, kind: ValueKind): string | number | boolean {
  if (kind === 'bool') return typed === 'true' || typed === '1'
  if (kind === 'number') return /^-?\d{1,15}$/.test(typed.trim()) ? Number(typed) : 0
  return typed
}
