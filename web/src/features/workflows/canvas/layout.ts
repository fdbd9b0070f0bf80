import { Graph, layout as arrange } from '@dagrejs/dagre'
import type { Block, Item } from '../document/outline'

// Where the steps of a document are drawn: each below what it needs, those within others in a frame inside of them.

export const STEP = { width: 232, height: 64 }
const GAP = { beside: 28, below: 44 }
/** Around what stands in a frame; above it stands what the frame is for. */
const PAD = 16
const LABEL = 26
/** A frame with nothing in it: large enough to be hit. */
const EMPTY = { width: STEP.width, height: 56 }

export interface Box {
  key: string
  x: number
  y: number
  width: number
  height: number
}
export interface StepBox extends Box {
  item: Item
  /** It has frames inside. */
  isGroup: boolean
  depth: number
}
export interface FrameBox extends Box {
  block: Block
  depth: number
}
export interface Link {
  key: string
  from: string
  to: string
  /** Ids, as `needs` names them. */
  fromId: string
  toId: string
  depth: number
  /** Where it bends, so that it goes around the steps between. */
  bends: Point[]
}
export interface Point {
  x: number
  y: number
}
export interface Drawing {
  steps: StepBox[]
  frames: FrameBox[]
  links: Link[]
}

interface Sized {
  item: Item
  width: number
  height: number
  frames: { block: Block; placed: Placed; x: number; y: number; width: number; height: number }[]
}
interface Placed {
  width: number
  height: number
  items: { sized: Sized; x: number; y: number }[]
  links: Way[]
}
interface Way {
  from: Item
  to: Item
  bends: Point[]
}

function size(item: Item): Sized {
  if (item.blocks.length === 0) return { item, ...STEP, frames: [] }
  const frames: Sized['frames'] = []
  const y = STEP.height + PAD / 2
  let x = PAD
  let tallest = 0
  for (const block of item.blocks) {
    const placed = place(block)
    const width = placed.width + 2 * PAD
    const height = placed.height + LABEL + PAD
    frames.push({ block, placed, x, y, width, height })
    x += width + PAD
    tallest = Math.max(tallest, height)
  }
  for (const frame of frames) frame.height = tallest
  const width = Math.max(STEP.width + 2 * PAD, x)
  // What is narrower than the step above it stands in the middle.
  const shift = (width - x) / 2
  for (const frame of frames) frame.x += shift
  return { item, width, height: y + tallest + PAD, frames }
}

/** Links between steps beside each other; what names no step, or itself, is no link. */
function linksOf({ items }: Block): Way[] {
  const byId = new Map(items.map((item) => [item.id, item]))
  return items.flatMap((item) => [...new Set(item.needs)].flatMap((id): Way[] => {
    const from = byId.get(id)
    return from && from !== item ? [{ from, to: item, bends: [] }] : []
  }))
}

const isChain = ({ items }: Block, links: Way[]): boolean =>
  links.length === items.length - 1 && links.every(({ from, to }) => to.at === from.at + 1) && new Set(links.map(({ to }) => to.at)).size === links.length

function place(block: Block): Placed {
  const sized = block.items.map(size)
  if (sized.length === 0) return { ...EMPTY, items: [], links: [] }
  const links = linksOf(block)
  // Most are a plain row; it needs no arranging.
  return isChain(block, links) ? inRow(sized, links) : arranged(sized, links)
}

function inRow(sized: Sized[], links: Way[]): Placed {
  const width = Math.max(...sized.map((one) => one.width))
  let y = 0
  const items = sized.map((one) => {
    const placed = { sized: one, x: (width - one.width) / 2, y }
    y += one.height + GAP.below
    return placed
  })
  return { width, height: y - GAP.below, items, links }
}

interface Arrangement {
  at: Point[]
  bends: Point[][]
}
/** From here on the quicker way to find rows; what it finds is a little less even. */
const MANY = 100
/** Typing changes texts, and seldom what stands where: the last arrangements are kept. */
const KEPT = 16
const arrangements = new Map<string, Arrangement>()

function arrangement(sized: readonly Sized[], links: readonly Way[]): Arrangement {
  const name = (item: Item): string => String(item.at)
  const sign = JSON.stringify([sized.map(({ width, height }) => [width, height]), links.map(({ from, to }) => [from.at, to.at])])
  const kept = arrangements.get(sign)
  if (kept) return kept
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: GAP.beside, ranksep: GAP.below, marginx: 0, marginy: 0, ranker: sized.length > MANY ? 'tight-tree' : 'network-simplex' })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { item, width, height } of sized) graph.setNode(name(item), { width, height })
  for (const { from, to } of links) graph.setEdge(name(from), name(to))
  arrange(graph)
  const corners = sized.map((one): Point => {
    const { x, y } = graph.node(name(one.item)) as Point
    return { x: x - one.width / 2, y: y - one.height / 2 }
  })
  const [left, top] = [Math.min(...corners.map(({ x }) => x)), Math.min(...corners.map(({ y }) => y))]
  const moved = ({ x, y }: Point): Point => ({ x: Math.round(x - left), y: Math.round(y - top) })
  // The first, the middle and the last point of a short link say nothing that its ends do not.
  const bends = links.map(({ from, to }) => {
    const points = (graph.edge(name(from), name(to)) as { points?: Point[] } | undefined)?.points?.slice(1, -1) ?? []
    return points.length > 1 ? points.map(moved) : []
  })
  const found = { at: corners.map(moved), bends }
  if (arrangements.size >= KEPT) arrangements.delete(arrangements.keys().next().value!)
  arrangements.set(sign, found)
  return found
}

function arranged(sized: Sized[], links: Way[]): Placed {
  const { at, bends } = arrangement(sized, links)
  const items = sized.map((one, nth) => ({ sized: one, ...at[nth]! }))
  return {
    items,
    links: links.map((link, nth) => ({ ...link, bends: bends[nth]! })),
    width: Math.max(...items.map(({ sized: one, x }) => x + one.width)),
    height: Math.max(...items.map(({ sized: one, y }) => y + one.height)),
  }
}

function draw(placed: Placed, x: number, y: number, depth: number, into: Drawing): void {
  for (const { sized, x: dx, y: dy } of placed.items) {
    const { item, width, height, frames } = sized
    into.steps.push({ key: item.key, item, x: x + dx, y: y + dy, width, height, isGroup: frames.length > 0, depth })
    for (const frame of frames) {
      const [left, top] = [x + dx + frame.x, y + dy + frame.y]
      into.frames.push({ key: frame.block.key, block: frame.block, x: left, y: top, width: frame.width, height: frame.height, depth: depth + 1 })
      draw(frame.placed, left + (frame.width - frame.placed.width) / 2, top + LABEL, depth + 2, into)
    }
  }
  for (const { from, to, bends } of placed.links) {
    into.links.push({ key: `${from.key}>${to.key}`, from: from.key, to: to.key, fromId: from.id, toId: to.id, depth, bends: bends.map((bend) => ({ x: x + bend.x, y: y + bend.y })) })
  }
}

/** The drawing of a document. What is done when a run fails stands in a frame below all else. */
export function drawing(blocks: readonly Block[]): Drawing {
  const into: Drawing = { steps: [], frames: [], links: [] }
  let y = 0
  let width: number | null = null
  for (const block of blocks) {
    const placed = place(block)
    const isMain = block.role === 'steps' && placed.items.length > 0
    const outer = isMain ? placed.width : placed.width + 2 * PAD
    width ??= outer
    const x = (width - outer) / 2
    if (isMain) draw(placed, x, y, 0, into)
    else {
      into.frames.push({ key: block.key, block, x, y, width: outer, height: placed.height + LABEL + PAD, depth: 0 })
      draw(placed, x + PAD, y + LABEL, 1, into)
    }
    y += placed.height + GAP.below + (isMain ? 0 : LABEL + PAD)
  }
  return into
}
