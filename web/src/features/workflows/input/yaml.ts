// A reader of the plain part of YAML that documents are written in: maps, lists, plain and quoted scalars, block texts,
// comments. Anything else (anchors, tags, several documents) is refused: a guess would make a wrong form.

interface Line {
  indent: number
  text: string
}

const refuse = (): never => {
  throw new Error('not read here')
}

/** Without its comment; a `#` inside quotes or inside a word is none. */
function uncommented(text: string): string {
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const one = text[at]!
    if (quote) {
      if (one === '\\' && quote === '"') at++
      else if (one === quote) quote = ''
    } else if ((one === '"' || one === "'") && (at === 0 || /[\s[{,:]/.test(text[at - 1]!))) quote = one
    else if (one === '#' && (at === 0 || /\s/.test(text[at - 1]!))) return text.slice(0, at).trimEnd()
  }
  return text.trimEnd()
}

function scalar(text: string): unknown {
  if (text === '' || text === '~' || text === 'null') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text)) return Number(text)
  if (/^[&*!|>%@`]/.test(text)) return refuse()
  return text
}

/** Values in one line: quoted, in braces, in brackets, or plain. */
class Flow {
  private at = 0
  constructor(private readonly text: string) {}

  whole(): unknown {
    const value = this.value('')
    this.space()
    return this.at < this.text.length ? refuse() : value
  }
  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }
  private value(ends: string): unknown {
    this.space()
    const first = this.text[this.at]
    if (first === '{') return this.map()
    if (first === '[') return this.list()
    if (first === '"' || first === "'") return this.quoted(first)
    const from = this.at
    while (this.at < this.text.length && !ends.includes(this.text[this.at]!) && !(ends && /^:(\s|$)/.test(this.text.slice(this.at, this.at + 2)))) this.at++
    return scalar(this.text.slice(from, this.at).trim())
  }
  private quoted(quote: string): string {
    const rest = this.text.slice(this.at)
    const found = (quote === '"' ? /^"(?:[^"\\]|\\.)*"/s : /^'(?:[^']|'')*'/s).exec(rest)?.[0] ?? refuse()
    this.at += found.length
    return quote === '"' ? (JSON.parse(found) as string) : found.slice(1, -1).replaceAll("''", "'")
  }
  private more(end: string): boolean {
    this.space()
    if (this.text[this.at] === ',') this.at++
    this.space()
    if (this.at >= this.text.length) refuse()
    if (this.text[this.at] !== end) return true
    this.at++
    return false
  }
  private list(): unknown[] {
    this.at++
    const items: unknown[] = []
    while (this.more(']')) items.push(this.value(',]'))
    return items
  }
  private map(): Record<string, unknown> {
    this.at++
    const fields: [string, unknown][] = []
    while (this.more('}')) {
      const key = this.value(',}')
      this.space()
      if (this.text[this.at] !== ':') refuse()
      this.at++
      fields.push([String(key), this.value(',}')])
    }
    return Object.fromEntries(fields)
  }
}

const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#&*!|>%@`{[\-?][^#]*?|-[^\s#][^#]*?):(?:\s+(.*)|)$/

class Block {
  private at = 0
  constructor(private readonly lines: Line[]) {}

  whole(): unknown {
    this.blank()
    const value = this.at < this.lines.length ? this.node(this.lines[this.at]!.indent) : null
    this.blank()
    return this.at < this.lines.length ? refuse() : value
  }
  private blank(): void {
    while (this.at < this.lines.length && uncommented(this.lines[this.at]!.text) === '') this.at++
  }
  private next(): (Line & { code: string }) | null {
    this.blank()
    const line = this.lines[this.at]
    return line ? { ...line, code: uncommented(line.text) } : null
  }
  private node(indent: number): unknown {
    const code = this.next()!.code
    if (code === '-' || code.startsWith('- ')) return this.list(indent)
    if (KEY.test(code) && !/^[{[]/.test(code)) return this.map(indent)
    this.at++
    return this.inline(indent, code)
  }
  private list(indent: number): unknown[] {
    const items: unknown[] = []
    for (let line = this.next(); line?.indent === indent && /^-(\s|$)/.test(line.code); line = this.next()) {
      const rest = line.text.slice(1)
      const inner = rest.trimStart()
      if (uncommented(inner) === '') {
        this.at++
        items.push(this.below(indent))
      } else {
        // What stands behind the dash begins a block of its own, as deep as it stands.
        const depth = indent + 1 + (rest.length - inner.length)
        this.lines[this.at] = { indent: depth, text: inner }
        items.push(this.node(depth))
      }
    }
    return items
  }
  private map(indent: number): Record<string, unknown> {
    const fields: [string, unknown][] = []
    for (let line = this.next(); line?.indent === indent; line = this.next()) {
      const [, key, value = ''] = KEY.exec(line.code) ?? refuse()
      if (key === '<<') refuse()
      this.at++
      fields.push([String(new Flow(key!).whole()), this.behind(indent, value)])
    }
    if ((this.next()?.indent ?? -1) > indent) refuse()
    return Object.fromEntries(fields)
  }
  private below(indent: number, orList = false): unknown {
    const line = this.next()
    if (!line) return null
    if (line.indent > indent) return this.node(line.indent)
    return orList && line.indent === indent && /^-(\s|$)/.test(line.code) ? this.list(indent) : null
  }
  /** What stands behind a key: in its line, or below it. */
  private behind(indent: number, value: string): unknown {
    if (value === '') return this.below(indent, true)
    const style = /^([|>])[-+]?$/.exec(value)
    return style ? this.text(indent, style[1]!) : this.inline(indent, value)
  }
  /** A value that begins with `begin` and may go on in lines that stand deeper. */
  private inline(indent: number, begin: string): unknown {
    let whole = begin
    for (let line = this.next(); line && (line.indent > indent || isOpen(whole)); line = this.next()) {
      if (!/^[{["']/.test(whole) && KEY.test(line.code)) refuse()
      whole += ` ${line.code}`
      this.at++
    }
    return new Flow(whole).whole()
  }
  private text(indent: number, style: string): string {
    const lines: string[] = []
    let depth: number | null = null
    for (let line = this.lines[this.at]; line && (line.text === '' || line.indent > indent); line = this.lines[++this.at]) {
      if (line.text !== '') depth ??= line.indent
      lines.push(' '.repeat(Math.max(0, line.indent - (depth ?? 0))) + line.text)
    }
    return lines.join(style === '>' ? ' ' : '\n').trim()
  }
}

/** Whether a brace or a bracket is not closed yet. */
function isOpen(text: string): boolean {
  if (!/^[{[]/.test(text)) return false
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/gs, '')
  return (bare.match(/[{[]/g)?.length ?? 0) > (bare.match(/[}\]]/g)?.length ?? 0)
}

/** The value of a text in plain YAML; throws where it is anything more. */
export function readYaml(text: string): unknown {
  const lines = text.split(/\r?\n/).map((line): Line => {
    const inner = line.trimStart()
    if (/^\s*\t/.test(line) && inner) refuse()
    return { indent: inner ? line.length - inner.length : 0, text: inner }
  })
  return new Block(lines).whole()
}
