import type { Schemas } from '@/api/client'

export interface Right {
  /** `app:deploy` */
  name: string
  /** `deploy` */
  verb: string
  granted: boolean
  /** Titles of the actions that need it. */
  actions: string[]
}

/** What is used today first, in the order of its importance; the rest as the control plane names it. */
const FIRST = ['app', 'node', 'approval', 'token', 'user', 'admin']

/** Rights by category: those had, and those an action needs that are missing. */
export function matrix(granted: readonly string[], actions: readonly Pick<Schemas['ActionSpec'], 'permission' | 'title'>[]): { category: string; rights: Right[] }[] {
  const has = new Set(granted)
  const names = [...new Set([...granted, ...actions.map(({ permission }) => permission)])]
  const byCategory = new Map<string, Right[]>()
  for (const name of names) {
    const [category = name, verb = name] = name.split(':')
    const right = { name, verb, granted: has.has(name), actions: actions.filter(({ permission }) => permission === name).map(({ title }) => title) }
    byCategory.set(category, [...(byCategory.get(category) ?? []), right])
  }
  const place = (category: string): number => (FIRST.includes(category) ? FIRST.indexOf(category) : FIRST.length)
  return [...byCategory].map(([category, rights]) => ({ category, rights })).sort((a, b) => place(a.category) - place(b.category))
}
