import { MarkerType, type Edge, type Node } from '@vue-flow/core'
import { STEP, type Box, type Drawing, type FrameBox, type Link, type Point, type StepBox } from './layout'

// The drawing as the library wants it. Places are absolute and sizes known, so that nothing has to be measured first.

/** What a new step is carried as while it is dragged. */
export const STEP_TYPE = 'application/x-serverflow-step'
const DEPTH = 2
const QUIET = { 'aria-roledescription': undefined }

function node(box: Box, type: 'step' | 'frame', zIndex: number, data: StepBox | FrameBox): Node {
  const { width, height } = box
  return {
    id: type === 'frame' ? `frame:${box.key}` : box.key,
    type,
    position: { x: box.x, y: box.y },
    dimensions: { width, height },
    width,
    height,
    zIndex,
    data,
    draggable: false,
    selectable: false,
    focusable: false,
    connectable: type === 'step',
    domAttributes: QUIET,
  } as Node
}

export const nodesOf = ({ steps, frames }: Drawing): Node[] => [
  ...frames.map((box) => node(box, 'frame', box.depth * DEPTH, box)),
  ...steps.map((box) => node(box, 'step', box.depth * DEPTH + (box.isGroup ? 0 : 1), box)),
]

/** `selected`: its links come to the front; `focusable`: those that the keyboard reaches. */
export const edgesOf = ({ links }: Drawing, selected: string | null, over: string | null, label: (link: Link) => string, isFocusable: (link: Link) => boolean): Edge[] =>
  links.map((link): Edge => {
    const isReached = isFocusable(link)
    return {
      id: link.key,
      source: link.from,
      target: link.to,
      type: 'link',
      data: link,
      zIndex: Math.max(0, link.depth * DEPTH - 1) + (link.key === selected ? 1 : 0),
      class: link.key === over ? 'is-over' : link.key === selected ? 'is-chosen' : '',
      selectable: false,
      focusable: isReached,
      ariaLabel: label(link),
      // Its own way to be reached by Tab is written as no browser reads it in a drawing.
      domAttributes: { ...QUIET, role: isReached ? 'button' : 'img', tabindex: isReached ? 0 : undefined, 'aria-describedby': undefined } as Edge['domAttributes'],
      markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18, markerUnits: 'userSpaceOnUse', color: link.key === selected ? 'var(--accent-text)' : 'var(--line-strong)' },
      interactionWidth: 24,
    } as Edge
  })

/** Where a new step comes when it is let go at a place of the drawing. */
export type Landing = { step: string } | { link: Link } | { frame: string } | { end: true }
const NEAR = 28
const isIn = ({ x, y, width, height }: Box, px: number, py: number): boolean => px >= x && px <= x + width && py >= y && py <= y + height

export function landing({ steps, frames, links }: Drawing, x: number, y: number): Landing {
  const byKey = new Map(steps.map((box) => [box.key, box]))
  // Of boxes in each other the innermost; of a group its head alone.
  const step = steps.filter((box) => isIn(box.isGroup ? { ...box, height: STEP.height } : box, x, y)).sort((one, other) => other.depth - one.depth)[0]
  if (step) return { step: step.key }
  const near = links.find(({ from, to }) => {
    const [above, below] = [byKey.get(from)!, byKey.get(to)!]
    const [x1, y1, x2, y2] = [above.x + above.width / 2, above.y + above.height, below.x + below.width / 2, below.y]
    const along = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2 || 1)))
    return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) < NEAR
  })
  if (near) return { link: near }
  const frame = frames.filter((box) => isIn(box, x, y)).sort((one, other) => other.depth - one.depth)[0]
  return frame ? { frame: frame.key } : { end: true }
}

/** The line of a link: straight down out of one step, around those between, straight down into the other. */
export function lineOfLink(from: Point, to: Point, bends: readonly Point[]): string {
  let [line, last] = [`M ${from.x} ${from.y}`, from]
  for (const next of [...bends, to]) {
    const middle = (last.y + next.y) / 2
    line += ` C ${last.x} ${middle} ${next.x} ${middle} ${next.x} ${next.y}`
    last = next
  }
  return line
}

export interface Extent {
  width: number
  height: number
}
export const extentOf = ({ steps, frames }: Drawing): Extent & { x: number; y: number } => {
  const boxes = [...steps, ...frames]
  if (boxes.length === 0) return { x: 0, y: 0, width: 0, height: 0 }
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))]
  return { x, y, width: Math.max(...boxes.map((box) => box.x + box.width)) - x, height: Math.max(...boxes.map((box) => box.y + box.height)) - y }
}

/** What one sees first: all of it where it can be read so, else its beginning. */
const LEAST_ZOOM = 0.7
const MARGIN = 32
export const BAR = 60
/** `hasBar`: above it stands what can be done with what is chosen. */
export function firstView(drawing: Drawing, view: Extent, hasBar = false, least = LEAST_ZOOM): { x: number; y: number; zoom: number } {
  const { x, y, width, height } = extentOf(drawing)
  const top = hasBar ? BAR : MARGIN
  const zoom = Math.max(least, Math.min(1, (view.width - 2 * MARGIN) / (width || 1), (view.height - MARGIN - top) / (height || 1)))
  const rest = view.height - height * zoom
  // Of what is wider than the view, the first step is in the middle.
  const first = drawing.steps[0]
  const middle = width * zoom > view.width && first ? first.x + first.width / 2 : x + width / 2
  return { zoom, x: view.width / 2 - middle * zoom, y: Math.max(top, Math.min(rest / 2, 2 * BAR)) - y * zoom }
}
