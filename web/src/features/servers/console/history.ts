import { asWords, useKept } from '@/ui/write/kept'

/** Commands that are remembered for each server. */
export const MAX_COMMANDS = 100

/** With a command at the end; one that repeats the last is not kept twice. */
export function remembered(commands: readonly string[], line: string): string[] {
  if (!line.trim() || commands.at(-1) === line) return [...commands]
  return [...commands, line].slice(-MAX_COMMANDS)
}

/** Where one is when walking back and forth: `commands.length` is what is being typed. */
export interface Walk {
  at: number
  /** What was typed before the walk began; it is there again at its end. */
  typed: string
}

/** One step up (-1) or down (1) from what stands there now; null where there is no further. */
export function step(commands: readonly string[], walk: Walk | null, by: 1 | -1, shown: string): (Walk & { shown: string }) | null {
  const from = walk ?? { at: commands.length, typed: shown }
  const at = from.at + by
  if (at < 0 || at > commands.length) return null
  return { at, typed: from.typed, shown: at === commands.length ? from.typed : commands[at]! }
}

/** What was sent to a server from this browser, oldest first. */
export const useCommands = (id: string) => useKept<string[]>(`commands.${id}`, [], (found) => asWords(found)?.slice(-MAX_COMMANDS) ?? null)
