import type { Category } from './usePermissions'

/** The categories with the permissions that a text finds in their name or in what needs them. */
export function found(categories: readonly Category[], q: string): Category[] {
  const words = q.trim().toLowerCase()
  if (!words) return [...categories]
  return categories
    .map((category) => ({
      ...category,
      permissions: category.title.toLowerCase().includes(words)
        ? category.permissions
        : category.permissions.filter(({ name, actions }) => [name, ...actions].some((text) => text.toLowerCase().includes(words))),
    }))
    .filter(({ permissions }) => permissions.length > 0)
}

/** How much of a category is chosen. */
export function share({ permissions }: Pick<Category, 'permissions'>, chosen: ReadonlySet<string>): 'none' | 'some' | 'all' {
  const count = permissions.filter(({ name }) => chosen.has(name)).length
  return count === 0 ? 'none' : count === permissions.length ? 'all' : 'some'
}

/** With or without some names, in the order of the categories. */
export function withNames(chosen: readonly string[], names: readonly string[], on: boolean, categories: readonly Category[]): string[] {
  const set = new Set(chosen)
  for (const name of names) {
    if (on) set.add(name)
    else set.delete(name)
  }
  const known = categories.flatMap(({ permissions }) => permissions.map(({ name }) => name))
  // What this dashboard does not know is kept: it belongs to a newer control plane.
  return [...known.filter((name) => set.has(name)), ...[...set].filter((name) => !known.includes(name))]
}
