import type { Box, Drawing } from './layout'

// Of a drawing with very many steps, only what is near is in the page. What is near is worked out anew when one comes to the
// end of it, and not at every frame in which the drawing moves.

export interface Area {
  left: number
  top: number
  right: number
  bottom: number
}

/** Around what is in sight, as much again on every side. */
const AROUND = 1
/** So many times wider than what is in sight, it is too much. */
const TOO_MUCH = 8

/** What is in sight, in the places of the drawing. */
export const areaOf = ({ x, y, zoom }: { x: number; y: number; zoom: number }, { width, height }: { width: number; height: number }): Area => ({ left: -x / zoom, top: -y / zoom, right: (width - x) / zoom, bottom: (height - y) / zoom })

/** The region to be in the page for what is in sight: the one that is there, as long as it will do. */
export function regionFor(seen: Area, now: Area | null): Area {
  const width = seen.right - seen.left
  const height = seen.bottom - seen.top
  const isEnough = now && now.left <= seen.left && now.top <= seen.top && now.right >= seen.right && now.bottom >= seen.bottom
  if (isEnough && now.right - now.left <= TOO_MUCH * width) return now
  return { left: seen.left - AROUND * width, top: seen.top - AROUND * height, right: seen.right + AROUND * width, bottom: seen.bottom + AROUND * height }
}

const meets = ({ x, y, width, height }: Box, { left, top, right, bottom }: Area): boolean => x <= right && x + width >= left && y <= bottom && y + height >= top

/** The part of a drawing that is in a region: steps, what is around them, and links that cross it with both of their ends. */
export function partOf({ steps, frames, links, ...rest }: Drawing, region: Area): Drawing {
  const byKey = new Map(steps.map((box) => [box.key, box]))
  const kept = new Set(steps.filter((box) => meets(box, region)).map(({ key }) => key))
  const crossing = links.filter(({ from, to }) => {
    const [one, other] = [byKey.get(from), byKey.get(to)]
    if (!one || !other) return false
    const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)]
    const around = { ...one, x, y, width: Math.max(one.x + one.width, other.x + other.width) - x, height: Math.max(one.y + one.height, other.y + other.height) - y }
    return meets(around, region)
  })
  for (const { from, to } of crossing) kept.add(from).add(to)
  return { ...rest, steps: steps.filter(({ key }) => kept.has(key)), frames: frames.filter((box) => meets(box, region)), links: crossing }
}
