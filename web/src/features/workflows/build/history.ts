/** Texts that were, and that were taken back. */
export interface History {
  past: readonly string[]
  future: readonly string[]
  /** When the last keystroke was taken in; what follows it soon belongs to it. */
  typedAt: number | null
}
export const NO_HISTORY: History = { past: [], future: [], typedAt: null }

const MAX_PAST = 100
/** Keystrokes closer to each other are one step back. */
const TYPING_MS = 800

/** Remembers `before`, which is being replaced. */
export function remember({ past, typedAt }: History, before: string, now: number, isTyped: boolean): History {
  if (isTyped && typedAt !== null && now - typedAt < TYPING_MS && past.length > 0) return { past, future: [], typedAt: now }
  return { past: [...past, before].slice(-MAX_PAST), future: [], typedAt: isTyped ? now : null }
}

export function undo({ past, future }: History, now: string): { history: History; text: string } | null {
  const text = past.at(-1)
  return text === undefined ? null : { text, history: { past: past.slice(0, -1), future: [now, ...future], typedAt: null } }
}

export function redo({ past, future }: History, now: string): { history: History; text: string } | null {
  const [text, ...rest] = future
  return text === undefined ? null : { text, history: { past: [...past, now], future: rest, typedAt: null } }
}
