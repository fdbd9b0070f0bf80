/** Ready-made periods, milliseconds back from now. */
export const PERIODS = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000 } as const
export type Period = keyof typeof PERIODS | 'any' | 'custom'

/** An instant as `<input type=datetime-local>` has it: this machine's wall, to the minute. Empty for what is none. */
export function toWall(instant: string): string {
  const at = new Date(instant)
  if (Number.isNaN(at.getTime())) return ''
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

/** Back to an instant; empty for what is none. */
export function fromWall(wall: string): string {
  const at = new Date(wall)
  return wall && !Number.isNaN(at.getTime()) ? at.toISOString() : ''
}
