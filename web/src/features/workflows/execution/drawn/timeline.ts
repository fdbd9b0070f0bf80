import type { Step } from '../../workflowActs'

// Where bars stand on the axis of a run. Hours in which nothing was done would squash everything else: they are folded.

export interface Fold {
  /** Milliseconds. */
  length: number
  left: number
  width: number
}
export interface Axis {
  from: number
  to: number
  folds: Fold[]
  /** Where a moment stands, per cent of the width. */
  at: (time: number) => number
}

const IDLE = new Set(['wait', 'approval'])
/** A gap is folded from this length on, if it is also longer than a share of all that was done. */
const LEAST_MS = 10_000
const LEAST_SHARE = 0.2
/** Width of a fold, per cent; all of them together leave half for what was done. */
const FOLD = 12
const MOST = 50

type Span = [number, number]

/** When something was done: spans of steps that neither wait nor only hold others, run together. */
function busy(steps: readonly Step[], now: number): Span[] {
  const holders = new Set(steps.map(({ parent }) => parent))
  const spans = steps.flatMap(({ key, kind, startedAt, endedAt }): Span[] =>
    startedAt && !IDLE.has(kind) && !holders.has(key) ? [[Date.parse(startedAt), endedAt ? Date.parse(endedAt) : now]] : [],
  )
  const merged: Span[] = []
  for (const [from, to] of spans.sort((one, other) => one[0] - other[0])) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, Math.max(from, to)])
  }
  return merged
}

/** The axis of a run; null before its first step. `began`: when the run did, in milliseconds. */
export function axisOf(steps: readonly Step[], now: number, began: number | null = null): Axis | null {
  const times = steps.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt].flatMap((time) => (time ? [Date.parse(time)] : [])))
  if (times.length === 0) return null
  const isOpen = steps.some(({ startedAt, endedAt }) => startedAt && !endedAt)
  const from = Math.min(...times, began ?? Infinity)
  const to = Math.max(from + 1, ...times, isOpen ? now : 0)
  const spans = busy(steps, now)
  const done = spans.reduce((sum, [start, end]) => sum + end - start, 0)
  const edges = [from, ...spans.flat(), to]
  const gaps: Span[] = []
  for (let at = 0; at < edges.length; at += 2) {
    const [start, end] = [edges[at]!, edges[at + 1]!]
    if (end - start >= Math.max(LEAST_MS, done * LEAST_SHARE)) gaps.push([start, end])
  }
  const width = Math.min(FOLD, MOST / (gaps.length || 1))
  const folded = gaps.reduce((sum, [start, end]) => sum + end - start, 0)
  const rest = to - from - folded
  // Where there is nothing but waiting, it is the whole of it.
  if (rest <= 0) return { from, to, folds: [], at: (time) => clamp((100 * (time - from)) / (to - from)) }
  const scale = (100 - width * gaps.length) / rest
  const at = (time: number): number => {
    let left = 0
    let last = from
    for (const [start, end] of gaps) {
      if (time <= start) break
      left += (start - last) * scale
      if (time < end) return clamp(left + (width * (time - start)) / (end - start))
      left += width
      last = end
    }
    return clamp(left + (time - last) * scale)
  }
  return { from, to, at, folds: gaps.map(([start, end]) => ({ length: end - start, left: at(start), width: at(end) - at(start) })) }
}

const clamp = (value: number): number => Math.max(0, Math.min(100, value))
