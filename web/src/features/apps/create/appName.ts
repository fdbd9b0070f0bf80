/** Characters of an app's name at the most. */
export const MAX_NAME = 40
const NAME = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/

/** A name for an app made from its repository: `git@host:team/My_Shop.git` → `my-shop`; empty where nothing is left. */
export function nameOf(repository: string): string {
  const last = repository.trim().replace(/[/\\]+$/, '').replace(/\.git$/i, '').split(/[/:\\]/).at(-1) ?? ''
  return last
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, MAX_NAME)
    .replace(/-+$/, '')
}

/** Whether a name is one an app can have. */
export const isName = (name: string): boolean => name.length <= MAX_NAME && NAME.test(name)

/** The name, or with a number behind it the first one nobody has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let at = 2; taken.has(name) && at < 1_000; at++) {
    const tail = `-${at}`
    const next = name.replace(/-\d+$/, '').slice(0, MAX_NAME - tail.length) + tail
    if (!taken.has(next)) return next
  }
  return name
}
