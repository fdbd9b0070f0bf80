import type UPlot from 'uplot'
import type { Options } from 'uplot'
import type { Tone } from '../tones'
import type { Mark } from './series'

/** Lines differ by their dash too, so that colour alone says nothing. */
export const dashes: number[][] = [[], [6, 4], [2, 3]]

const TOKENS: Record<Tone, string> = {
  neutral: '--ink-3',
  good: '--good',
  warn: '--warn',
  bad: '--bad',
  info: '--info',
  accent: '--accent-text',
}

/** A token's colour in the theme of this moment; a canvas knows no CSS variables. */
const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const faint = (colour: string): string => colour.replace(')', ' / 0.13)')

const DAY_MS = 86_400_000
const dayAndMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const withSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** Labels under the time axis for ticks `step` milliseconds apart. */
const timeLabels = (ticks: number[], step: number): string[] => {
  const form = step >= DAY_MS ? dayAndMonth : step >= 60_000 ? hourAndMinute : withSeconds
  return ticks.map((tick) => form.format(tick))
}

/** Steps for bytes: 1, 2, 4 … KB, MB, GB; up to what a number holds, since without a step that is wide enough uPlot draws ticks for ever. */
const BINARY_STEPS = Array.from({ length: 1_023 }, (_, at) => 2 ** at)
/** No axis reaches further, whatever a machine says of itself. */
const FARTHEST = 1e30

/** The upper end of the value axis. */
export function reach(high: number | null, top: number | undefined): number {
  const asked = Math.max(top ?? 0, (high ?? 0) * (top ? 1 : 1.1))
  return asked > 0 ? Math.min(asked, FARTHEST) : 1
}

export interface Plot {
  series: { label: string; tone: Tone; low?: unknown; high?: unknown }[]
  /** What happened meanwhile. */
  marks: () => Mark[]
  format: (value: number) => string
  /** The value axis reaches at least so far. */
  top?: number
  binary?: boolean
  /** The time axis from and to, milliseconds; what the data spans where absent. */
  span: () => [number, number] | null
  /** Charts of one name share a crosshair. */
  sync?: string
  width: number
  height: number
  /** The sample under the crosshair; null when it leaves. */
  onCursor: (at: number | null) => void
}

/** Columns of a chart: each line, and after all of them the lowest and highest of those that have both. */
const spreads = (series: Plot['series']): { line: number; tone: Tone }[] =>
  series.flatMap(({ low, high, tone }, line) => (low && high ? [{ line, tone }] : []))

/** Upright lines where something happened. */
function drawMarks(chart: UPlot, marks: Mark[]): void {
  const { ctx, bbox } = chart
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio])
  for (const { at, tone } of marks) {
    const x = Math.round(chart.valToPos(at, 'x', true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.strokeStyle = token(TOKENS[tone])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}

/** uPlot's options for one of our charts: quiet grid, our type, our colours asked for at every drawing. */
export function plotOptions(plot: Plot): Options {
  const axis = { stroke: () => token('--ink-3'), font: '11px "Inter Variable", sans-serif', ticks: { show: false } }
  const grid = { stroke: () => token('--line'), width: 1 }
  return {
    width: plot.width,
    height: plot.height,
    ms: 1,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 }, ...(plot.sync ? { sync: { key: plot.sync } } : {}) },
    scales: {
      x: { time: true, range: (_, low, high) => plot.span() ?? [low, high] },
      y: { range: (_, __, high) => [0, reach(high, plot.top)] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 72, values: (_, ticks, __, ___, step) => timeLabels(ticks, step), gap: 9, size: 30 },
      {
        ...axis,
        grid,
        space: 34,
        ...(plot.binary ? { incrs: BINARY_STEPS } : {}),
        values: (_, ticks) => ticks.map((tick) => plot.format(tick)),
        size: (_, labels) => 14 + 6.4 * Math.max(2, ...(labels ?? []).map((label) => label.length)),
      },
    ],
    series: [
      {},
      ...plot.series.map(({ label, tone }, at) => ({
        label,
        stroke: () => token(TOKENS[tone]),
        width: 1.5,
        dash: dashes[at % dashes.length]!,
        points: { show: false },
        ...(plot.series.length === 1 && !spreads(plot.series).length ? { fill: () => faint(token(TOKENS[tone])) } : {}),
      })),
      ...spreads(plot.series).flatMap(({ tone }) => {
        const edge = { stroke: () => faint(token(TOKENS[tone])), width: 1, points: { show: false } }
        return [edge, edge]
      }),
    ],
    bands: spreads(plot.series).map(({ tone }, at) => {
      const low = 1 + plot.series.length + 2 * at
      return { series: [low + 1, low] as [number, number], fill: () => faint(token(TOKENS[tone])) }
    }),
    hooks: { setCursor: [(chart) => plot.onCursor(chart.cursor.idx ?? null)], draw: [(chart) => drawMarks(chart, plot.marks())] },
  }
}
