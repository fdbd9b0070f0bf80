/** Where a text has something: its line and column, both from 1. */
export interface Spot {
  line: number
  column: number
}

const spotOf = (text: string, at: number): Spot => {
  const before = text.slice(0, at)
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
}

/** Steps of a place as the API names it: `variables[2].rules[0]`. */
export const stepsOf = (place: string): (string | number)[] =>
  [...place.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) => (index === undefined ? name! : Number(index)))

/**
 * Where a place of a JSON text begins: its key where it has one, else its value; where the last steps are missing, the place
 * they would be in. The text has to be JSON.
 */
export function spotIn(text: string, place: string): Spot {
  const steps = stepsOf(place)
  let at = 0
  let best = 0
  const blank = (): void => {
    while (/\s/.test(text[at] ?? '')) at++
  }
  const string = (): string => {
    const from = at++
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    at++
    return JSON.parse(text.slice(from, at)) as string
  }
  /** Walks over a value; `depth` steps lead to it, or -1 where it is beside the way. True once the place is found. */
  const value = (depth: number, from: number): boolean => {
    blank()
    if (depth >= 0) best = from < 0 ? at : from
    if (depth === steps.length) return true
    const wanted = depth < 0 ? undefined : steps[depth]
    const open = text[at]
    if (open === '"') string()
    else if (open === '{' || open === '[') {
      at++
      for (let index = 0; ; index++) {
        blank()
        if (at >= text.length || text[at] === '}' || text[at] === ']') break
        const key = at
        const name = open === '{' ? string() : index
        blank()
        if (open === '{') at++
        if (value(name === wanted ? depth + 1 : -1, open === '{' && name === wanted ? key : -1)) return true
        // The wanted one was here, and the rest of the way is not in it.
        if (name === wanted) return true
        blank()
        if (text[at] === ',') at++
      }
      at++
    } else while (at < text.length && !/[\s,\]}]/.test(text[at]!)) at++
    return false
  }
  value(0, -1)
  return spotOf(text, best)
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)\b))/y

/**
 * Where a text stops being JSON (RFC 8259); null where all of it is. Browsers do not all say it, and not always.
 */
export function breaksAt(text: string): Spot | null {
  /** What each open bracket holds next. */
  const open: string[] = []
  let wants: 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'next' = 'value'
  let at = 0
  const here = (): Spot => spotOf(text, at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0))
  while (/\S/.test(text.slice(at))) {
    if (open.length === 0 && wants === 'next') return here()
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) return here()
    const [, mark, string, plain] = found
    const closes = (mark === '}' && open.at(-1) === '{') || (mark === ']' && open.at(-1) === '[')
    if (closes && (wants === 'next' || wants === 'first' || wants === 'firstKey')) {
      open.pop()
      wants = 'next'
    } else if (wants === 'value' || wants === 'first') {
      if (string !== undefined || plain !== undefined) wants = 'next'
      else if (mark === '{' || mark === '[') {
        open.push(mark)
        wants = mark === '{' ? 'firstKey' : 'first'
      } else return here()
    } else if ((wants === 'key' || wants === 'firstKey') && string !== undefined) wants = 'colon'
    else if (wants === 'colon' && mark === ':') wants = 'value'
    else if (wants === 'next' && mark === ',') wants = open.at(-1) === '{' ? 'key' : 'value'
    else return here()
    at = TOKEN.lastIndex
  }
  return open.length === 0 && wants === 'next' ? null : spotOf(text, text.length)
}
