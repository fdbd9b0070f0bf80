import type { Execution } from '../workflowActs'

export interface Relative {
  execution: Execution
  /** How many forks it is away from the first that is shown. */
  depth: number
}

/** Runs behind those they were forked from, older ones first. One whose origin is not among them stands at the margin. */
export function family(all: readonly Execution[]): Relative[] {
  const known = new Set(all.map(({ runId }) => runId))
  const forksOf = new Map<string | null, Execution[]>()
  for (const execution of [...all].sort((one, other) => Date.parse(one.openedAt) - Date.parse(other.openedAt))) {
    const from = execution.forkedFrom && known.has(execution.forkedFrom) ? execution.forkedFrom : null
    forksOf.set(from, [...(forksOf.get(from) ?? []), execution])
  }
  const rows: Relative[] = []
  const stack = (forksOf.get(null) ?? []).map((execution): Relative => ({ execution, depth: 0 })).reverse()
  for (let row = stack.pop(); row; row = stack.pop()) {
    rows.push(row)
    const { depth } = row
    for (const execution of (forksOf.get(row.execution.runId) ?? []).toReversed()) stack.push({ execution, depth: depth + 1 })
  }
  return rows
}
