import type { Options } from 'uplot'
import type { Tone } from '../tones'

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
  series: { label: string; tone: Tone }[]
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
        ...(plot.series.length === 1 ? { fill: () => faint(token(TOKENS[tone])) } : {}),
      })),
    ],
    hooks: { setCursor: [(chart) => plot.onCursor(chart.cursor.idx ?? null)] },
  }
}
