import { allItems, outline, type Item } from './outline'
import { ofField } from '@/app/forms/problems'
import { isFields, valueAt, type Path, type Source } from './source'

/** A place as the check writes it: `steps[2].map.steps[0].with.app`. */
export function pathOf(place: string, value: unknown): Path {
  const path: (string | number)[] = []
  for (const part of place.split(/[.[\]]/).filter(Boolean)) {
    // Behind a dot a number may be the place in a list, too.
    path.push(/^\d+$/.test(part) && Array.isArray(valueAt(value, path)) ? Number(part) : part)
  }
  return path
}

export { ofField }

export interface Problem {
  place: string
  message: string
  fix: string
}

/** A problem with the step and the field of it that it is about. */
export interface Found extends Problem {
  path: Path
  /** Key of the innermost step around it; null where it is about the whole. */
  step: string | null
  /** The field within that step: `with.app`; empty where it is about the step. */
  field: string
}

export function located(source: Source | null, problems: readonly Problem[]): Found[] {
  const items = source ? allItems(outline(source.value)) : []
  return problems.map((problem) => {
    const path = pathOf(problem.place, source?.value)
    const around = items.filter((item) => startsWith(path, item.path)).reduce<Item | null>((best, item) => (best && best.path.length > item.path.length ? best : item), null)
    return { ...problem, path, step: around?.key ?? null, field: around ? path.slice(around.path.length).join('.') : '' }
  })
}

const startsWith = (path: Path, begin: Path): boolean => begin.length <= path.length && begin.every((part, at) => part === path[at])

/** Problems of what stands at a place, each with its field within that: `cron.at`. */
export const within = (found: readonly Found[], path: Path): Found[] =>
  found.filter((one) => startsWith(one.path, path)).map((one) => ({ ...one, field: one.path.slice(path.length).join('.') }))

/** Problems by the step they are about. */
export function byStep(found: readonly Found[]): Map<string, Found[]> {
  const map = new Map<string, Found[]>()
  for (const one of found) if (one.step !== null) map.set(one.step, [...(map.get(one.step) ?? []), one])
  return map
}

/** The step that a line of the text belongs to. */
export function stepAtLine(source: Source, line: number): string | null {
  let best: Item | null = null
  let from = 0
  for (const item of allItems(outline(source.value))) {
    const node = source.tree.getIn(item.path as unknown[], true) as { range?: [number, number, number] } | undefined
    if (!node?.range) continue
    const [start, end] = [source.lines.linePos(node.range[0]).line, source.lines.linePos(Math.max(node.range[0], node.range[1] - 1)).line]
    if (start <= line && line <= end && start >= from) {
      best = item
      from = start
    }
  }
  return best?.key ?? null
}

export const isNothing = (value: unknown): boolean => value === undefined || value === null || value === '' || (isFields(value) && Object.keys(value).length === 0)
