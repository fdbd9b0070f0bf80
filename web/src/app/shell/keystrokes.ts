/** The second key of a pair has to come within so long. */
const PAIR_MS = 1_200

export interface Pressed {
  key: string
  /** Milliseconds, on any clock that does not jump. */
  at: number
}

/** Which shortcut a key means after the one before it, and what is kept as the first of a pair. Earlier ones win. */
export function matchKeys<T extends { keys: string }>(
  all: readonly T[],
  before: Pressed | null,
  now: Pressed,
): { found: T | null; first: Pressed | null } {
  const pair = before && now.at - before.at < PAIR_MS ? `${before.key} ${now.key}` : null
  const found = all.find(({ keys }) => keys === pair) ?? all.find(({ keys }) => keys === now.key) ?? null
  const begins = !found && all.some(({ keys }) => keys.startsWith(`${now.key} `))
  return { found, first: begins ? now : null }
}
