// Values as they stand in JSON.

export type Fields = Record<string, unknown>
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether two plain values are the same, whatever the order of their fields. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((item, at) => isSame(item, other[at]))
  if (!isFields(one) || !isFields(other)) return false
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && isSame(one[key], other[key]))
}

/** A plain value with one place of it set; undefined takes it away. What was given stays as it is. */
export function withSet(value: unknown, [key, ...rest]: readonly string[], now: unknown): Fields {
  const whole: Fields = isFields(value) ? { ...value } : {}
  if (key === undefined) return whole
  const inner = rest.length > 0 ? withSet(whole[key], rest, now) : now
  // A group that is left empty goes with its last field.
  const isGone = inner === undefined || (rest.length > 0 && Object.keys(inner as Fields).length === 0)
  if (isGone) delete whole[key]
  else whole[key] = inner
  return whole
}
