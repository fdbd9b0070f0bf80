type Var = { name: string; value: string }

/** What replacing variables by others does, by name; of a name given twice the last one counts. */
export function preview(before: readonly Var[], after: readonly Var[]): Record<'added' | 'changed' | 'removed', string[]> {
  const was = new Map(before.filter(({ name }) => name).map(({ name, value }) => [name, value]))
  const is = new Map(after.map(({ name, value }) => [name, value]))
  return {
    added: [...is.keys()].filter((name) => !was.has(name)),
    changed: [...is].filter(([name, value]) => was.has(name) && was.get(name) !== value).map(([name]) => name),
    removed: [...was.keys()].filter((name) => !is.has(name)),
  }
}
