import type { Schemas } from '@/api/client'
import type { AltDocument } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'

type Settings = Schemas['ServerSettings']

/** How a server starts, while it is edited: empty follows the template. */
export interface StartForm {
  image: string
  startup: string
  values: Record<string, string>
  /** Names of secrets that are the values of variables, in place of those above. */
  secrets: Record<string, string>
}

export const toStart = ({ image, startup, variables, secrets }: Settings): StartForm => ({ image: image ?? '', startup: startup ?? '', values: { ...variables }, secrets: { ...secrets } })

/** What a server says of its own: a value that is the template's is left to it, so that a newer version may change it. */
export function fromStart(form: StartForm, alt: AltDocument): Pick<Settings, 'image' | 'startup' | 'variables' | 'secrets'> {
  const defaults = new Map(alt.variables.map((one) => [one.env, one.default]))
  const secrets = Object.fromEntries(Object.entries(form.secrets).flatMap(([env, name]) => (name.trim() ? [[env, name.trim()]] : [])))
  const variables = Object.fromEntries(Object.entries(form.values).filter(([env, value]) => defaults.get(env) !== value && !(env in secrets)))
  return { image: form.image || null, startup: form.startup || null, variables, secrets }
}

/** What differs, one line each. */
export function startChanges(before: Settings, after: Settings, alt: AltDocument): string[] {
  const { lines } = text.startup
  const found: string[] = []
  if ((before.image ?? '') !== (after.image ?? '')) found.push(lines.image(after.image ?? lines.asTemplate))
  if ((before.startup ?? '') !== (after.startup ?? '')) found.push(lines.startup(after.startup ?? lines.asTemplate))
  const names = new Map(alt.variables.map(({ env, name }) => [env, name || env]))
  const all = new Set([before.variables, after.variables, before.secrets, after.secrets].flatMap((one) => Object.keys(one ?? {})))
  for (const env of all) {
    const [had, secret] = [before.secrets?.[env], after.secrets?.[env]]
    if (had !== secret && secret !== undefined) {
      found.push(lines.secret(names.get(env) ?? env, secret))
      continue
    }
    const [was, now] = [before.variables?.[env], after.variables?.[env]]
    if (was === now && had === secret) continue
    found.push(now === undefined ? lines.unset(names.get(env) ?? env) : lines.set(names.get(env) ?? env, now || lines.empty))
  }
  return found
}

/** Refusals of settings beside their fields: `settings.variables.MOTD` is that of `MOTD`. */
export const variableOf = (field: string): string | null => /^settings\.(?:variables|secrets)\.(.+)$/.exec(field)?.[1] ?? null
