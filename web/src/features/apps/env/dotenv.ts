
/** A variable with a value; secrets stand in no text. */
interface EnvVar {
  name: string
  value: string
}

/** Limits of the vocabulary; the control plane checks them again. */
export const MAX_VARS = 200
export const MAX_BYTES = 24 * 1024

export interface RawEnv {
  vars: EnvVar[]
  /** What could not be read, by line from 1. */
  refused: { line: number; why: string }[]
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Why a name is refused; null where it is good. */
export function refusedName(name: string): 'empty' | 'form' | 'own' | null {
  if (!name) return 'empty'
  if (!NAME.test(name) || name.length > 128) return 'form'
  return name === 'PORT' || name === 'PATH' || name === 'HOME' || name.startsWith('LD_') ? 'own' : null
}

/** Bytes names and values take together. */
export const envBytes = (vars: readonly EnvVar[]): number =>
  vars.reduce((sum, { name, value }) => sum + new TextEncoder().encode(name + value).length, 0)

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' }

/** Reads `.env` text: `NAME=value`, `export`, comments, both quotes, values over several lines in quotes. Nothing is expanded. */
export function readEnv(text: string): RawEnv {
  const vars: EnvVar[] = []
  const refused: RawEnv['refused'] = []
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  for (let at = 0; at < lines.length; at++) {
    const number = at + 1
    const trimmed = lines[at]!.trim()
    if (!trimmed || trimmed.startsWith('#')) continue
    const equals = trimmed.indexOf('=')
    const name = (equals < 0 ? trimmed : trimmed.slice(0, equals)).replace(/^export\s+/, '').trim()
    if (equals < 0) {
      refused.push({ line: number, why: 'A line is NAME=value.' })
      continue
    }
    let value = trimmed.slice(equals + 1).trim()
    const quote = value[0]
    if (quote === '"' || quote === "'") {
      let rest = value.slice(1)
      while (closing(rest, quote) < 0 && at + 1 < lines.length) rest += `\n${lines[++at]!}`
      const end = closing(rest, quote)
      if (end < 0) {
        refused.push({ line: number, why: `The ${quote} is opened and not closed.` })
        break
      }
      const after = rest.slice(end + 1).trim()
      if (after && !after.startsWith('#')) {
        refused.push({ line: number, why: 'Something stands behind the closing quote.' })
        continue
      }
      value = quote === '"' ? rest.slice(0, end).replace(/\\([nrt"\\$])/g, (_, char: string) => ESCAPES[char]!) : rest.slice(0, end)
    } else {
      value = value.replace(/\s+#.*$/, '')
    }
    if (refusedName(name)) refused.push({ line: number, why: nameWords(name) })
    else vars.push({ name, value })
  }
  return { vars, refused }
}

function closing(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++
    else if (text[at] === quote) return at
  }
  return -1
}

/** Why a name is refused, in words. */
export function nameWords(name: string): string {
  const why = refusedName(name)
  if (why === 'empty') return 'A variable has a name.'
  if (why === 'own') return `ServerFlow sets ${name} itself.`
  return 'A name is letters, digits and _, and does not begin with a digit.'
}

const isPlain = /^[^\s"'#\\$`]*$/

/** Variables as `.env` text that {@link readEnv} reads the same way. */
export const writeEnv = (vars: readonly EnvVar[]): string =>
  vars
    .map(({ name, value }) => {
      if (isPlain.test(value)) return `${name}=${value}`
      const escaped = value.replace(/[\\"]/g, '\\$&').replace(/\r/g, '\\r').replace(/\t/g, '\\t')
      return `${name}="${escaped}"`
    })
    .join('\n')
