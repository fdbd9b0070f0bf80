import type { Tone } from '../tones'

export interface Series {
  label: string
  /** One for each time; null where nothing is known. */
  values: (number | null)[]
  tone: Tone
  /** What a mean hides: the lowest and the highest around each value. */
  low?: (number | null)[]
  high?: (number | null)[]
}

/** Something that happened: drawn as an upright line, and listed beside the chart. */
export interface Mark {
  /** Milliseconds. */
  at: number
  tone: Tone
}

/** A silence longer than so many usual steps is a gap. */
const GAP_STEPS = 3
/** Rows of a chart shown as a table, at the most. */
const MAX_ROWS = 120

/** The usual time between two samples; 0 with less than three. */
function usualStep(times: number[]): number {
  if (times.length < 3) return 0
  const steps = times.slice(1).map((time, at) => time - times[at]!)
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)]!
}

/**
 * Columns as uPlot wants them. Where samples are missing a null is set, so that no line is drawn over what nobody knows.
 * `gap` is the silence, milliseconds, that counts as missing; where absent it is told from the usual step.
 */
export function columnsOf(times: number[], series: Series[], gap?: number): [number[], ...(number | null)[][]] {
  const longest = gap ?? usualStep(times) * GAP_STEPS
  const drawn: number[] = []
  const rows: (number | null)[][] = series.map(() => [])
  times.forEach((time, at) => {
    const before = times[at - 1]
    if (before !== undefined && longest > 0 && time - before > longest) {
      drawn.push(before + 1)
      for (const row of rows) row.push(null)
    }
    drawn.push(time)
    rows.forEach((row, line) => row.push(series[line]!.values[at] ?? null))
  })
  return [drawn, ...rows]
}

export interface Row {
  time: number
  values: (number | null)[]
}

/** The same as rows, newest first, thinned evenly where there are many. */
export function rowsOf(times: number[], series: Series[]): Row[] {
  const stride = Math.max(1, Math.ceil(times.length / MAX_ROWS))
  const rows: Row[] = []
  for (let at = times.length - 1; at >= 0; at -= stride) rows.push({ time: times[at]!, values: series.map(({ values }) => values[at] ?? null) })
  return rows
}

/** Values, and for each that has them the lowest and highest around it: what is drawn, told and shown as a table. */
export function withSpread(series: Series[], words: { low: (label: string) => string; high: (label: string) => string }): Series[] {
  return series.flatMap(({ low, high, ...line }) => [
    line,
    ...(low ? [{ label: words.low(line.label), tone: line.tone, values: low }] : []),
    ...(high ? [{ label: words.high(line.label), tone: line.tone, values: high }] : []),
  ])
}

/** The known values' lowest, highest and newest, for those who cannot see the line. */
export function summary(values: (number | null)[]): { low: number; high: number; last: number } | null {
  const known = values.filter((value): value is number => Number.isFinite(value))
  if (known.length === 0) return null
  return { low: known.reduce((a, b) => Math.min(a, b)), high: known.reduce((a, b) => Math.max(a, b)), last: known.at(-1)! }
}

/** Line segments of a sparkline in a box of `width` × `height`: SVG path data, broken where nothing is known. */
export function sparkPath(values: (number | null)[], width: number, height: number, top?: number): string {
  const known = summary(values)
  if (!known) return ''
  const high = Math.max(top ?? known.high, known.high) || 1
  const stride = width / Math.max(1, values.length - 1)
  let down = false
  return values
    .map((value, at) => {
      if (value === null || !Number.isFinite(value)) {
        down = false
        return ''
      }
      const point = `${down ? 'L' : 'M'}${(at * stride).toFixed(1)} ${(height - (value / high) * height).toFixed(1)}`
      down = true
      return point
    })
    .join('')
}
