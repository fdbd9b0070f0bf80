import { ref } from 'vue'

/** Milliseconds the control plane's clock is ahead of this machine's; ages and deadlines are reckoned in its time. */
const ahead = ref(0)
/** A difference people should know of. */
export const NOTABLE_MS = 90_000

/** Learns from an answer's timestamp. Small differences are travel time, not clocks. */
export function learn(timestamp: string | undefined, local = Date.now()): void {
  const told = timestamp ? Date.parse(timestamp) : NaN
  if (!Number.isFinite(told)) return
  const difference = told - local
  ahead.value = Math.abs(difference) < 2_000 ? 0 : difference
}

/** Now, in the control plane's time, milliseconds. */
export const serverNow = (): number => Date.now() + ahead.value

/** Whether and how far this machine's clock is off, milliseconds. */
export const clockAhead = ahead
