import type { Schemas } from '@/api/client'
import type { Category } from '@/app/rights/usePermissions'

type Row = Schemas['AccessRow']
export type Shown = 'all' | 'yes' | 'no'

/** The answer by category, in the order of the panel; what no category knows stands at the end under its own name. */
export function byCategory(rows: readonly Row[], categories: readonly Category[], shown: Shown, q: string): { name: string; title: string; rows: Row[] }[] {
  const words = q.trim().toLowerCase()
  const fits = ({ permission, allowed }: Row): boolean =>
    (shown === 'all' || allowed === (shown === 'yes')) && (!words || permission.toLowerCase().includes(words))
  const titles = new Map(categories.map(({ name, title }) => [name, title]))
  const groups = new Map<string, Row[]>(categories.map(({ name }) => [name, []]))
  for (const row of rows.filter(fits)) {
    const category = row.permission.split(':')[0]!
    groups.set(category, [...(groups.get(category) ?? []), row])
  }
  return [...groups].filter(([, own]) => own.length > 0).map(([name, own]) => ({ name, title: titles.get(name) ?? name, rows: own }))
}
