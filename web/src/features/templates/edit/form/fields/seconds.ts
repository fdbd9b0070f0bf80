const MS = 1_000

/** Milliseconds as seconds are typed; what is no number as it is. */
export const secondsOf = (value: unknown): string => (typeof value === 'number' ? String(value / MS) : typeof value === 'string' ? value : '')

/** Typed seconds as milliseconds; what is none as it was typed. */
export function timeOf(typed: string): number | string {
  const plain = typed.trim().replace(',', '.')
  return /^\d+(\.\d{1,3})?$/.test(plain) ? Math.round(Number(plain) * MS) : typed
}
