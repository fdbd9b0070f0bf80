import type { Schemas } from '@/api/client'
import type { AltDocument } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'

type Settings = Schemas['ServerSettings']

/** How a server starts, while it is edited: empty follows the template. */
export interface StartForm {
  image: string
  startup: string
  values: Record<string, string>
}

export const toStart = ({ image, startup, variables }: Settings): StartForm => ({ image: image ?? '', startup: startup ?? '', values: { ...variables } })

/** What a server says of its own: a value that is the template's is left to it, so that a newer version may change it. */
export function fromStart(form: StartForm, alt: AltDocument): Pick<Settings, 'image' | 'startup' | 'variables'> {
  const defaults = new Map(alt.variables.map((one) => [one.env, one.default]))
  const variables = Object.fromEntries(Object.entries(form.values).filter(([env, value]) => defaults.get(env) !== value))
  return { image: form.image || null, startup: form.startup || null, variables }
}

/** What differs, one line each. */
export function startChanges(before: Settings, after: Settings, alt: AltDocument): string[] {
  const { lines } = text.startup
  const found: string[] = []
  if ((before.image ?? '') !== (after.image ?? '')) found.push(lines.image(after.image ?? lines.asTemplate))
  if ((before.startup ?? '') !== (after.startup ?? '')) found.push(lines.startup(after.startup ?? lines.asTemplate))
  const names = new Map(alt.variables.map(({ env, name }) => [env, name || env]))
  const all = new Set([...Object.keys(before.variables ?? {}), ...Object.keys(after.variables ?? {})])
  for (const env of all) {
    const [was, now] = [before.variables?.[env], after.variables?.[env]]
    if (was === now) continue
    found.push(now === undefined ? lines.unset(names.get(env) ?? env) : lines.set(names.get(env) ?? env, now || lines.empty))
  }
  return found
}

/** Refusals of settings beside their fields: `settings.variables.MOTD` is that of `MOTD`. */
export const variableOf = (field: string): string | null => /^settings\.variables\.(.+)$/.exec(field)?.[1] ?? null
