/** Longest value told as it is. */
const MAX_CHARS = 120
/** Lines told at the most. */
const MAX_LINES = 24

/** The arguments of an action, one line each, in the names of the API. `name` tells what an id is called; `between` stands between the texts of a list. */
export function changes(args: unknown, name: (id: string) => string | undefined, between = ' '): { field: string; value: string }[] {
  const lines: { field: string; value: string }[] = []
  const visit = (value: unknown, path: string): void => {
    if (value === null || value === undefined || lines.length >= MAX_LINES) return
    // The values of an app's environment are nobody's business here; that they change is.
    if (/(^|\.)env$/.test(path) && Array.isArray(value)) {
      const names = value.map((one) => (one as { name?: string })?.name ?? '?')
      if (names.length) lines.push({ field: path, value: names.join(', ') })
    } else if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) {
      if (value.length) lines.push({ field: path, value: cut(value.join(between)) })
    } else if (typeof value === 'object') {
      for (const [key, inner] of Object.entries(value)) visit(inner, path ? `${path}.${key}` : key)
    } else {
      const told = String(value)
      lines.push({ field: path, value: name(told) ?? cut(told) })
    }
  }
  visit(args, '')
  return lines
}

type Asked = { step?: string | null; diff: unknown }

/** What a decision is about, one line each: the arguments of an action, or what a workflow's step shows. */
export function decided({ step, diff }: Asked, name: (id: string) => string | undefined): ReturnType<typeof changes> {
  const { action, show } = diff as { action?: { args?: unknown }; show?: unknown }
  return step ? changes(show, name, ', ') : changes(action?.args, name)
}

const cut = (text: string): string => (text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text)
