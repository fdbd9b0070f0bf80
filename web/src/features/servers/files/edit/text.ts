/** Bytes of a text that one order carries; a larger file is uploaded. */
export const WRITE_BYTES = 32 * 1024
/** The same as JSON writes it: control characters take more room there. */
const JSON_BYTES = 36 * 1024

const encoder = new TextEncoder()
export const bytesOf = (text: string): number => encoder.encode(text).length

/** Bytes of a text that is edited at all: as much of a file is read to be shown. */
export const TYPED_BYTES = 512 * 1024
export const mayType = (text: string): boolean => text.length <= TYPED_BYTES && bytesOf(text) <= TYPED_BYTES

/** Whether a text fits into one order; a larger one is uploaded. */
export const fits = (text: string): boolean => text.length <= WRITE_BYTES && bytesOf(text) <= WRITE_BYTES && bytesOf(JSON.stringify(text)) <= JSON_BYTES

/** How the lines of a text end. An editor that guessed would change each of them. `mixed`: every `\r` stays where it is. */
export type LineEnds = 'unix' | 'windows' | 'mixed'
export function lineEnds(text: string): LineEnds {
  const all = text.match(/\r\n|\r|\n/g) ?? []
  if (!all.some((end) => end !== '\n')) return 'unix'
  return all.every((end) => end === '\r\n') ? 'windows' : 'mixed'
}

export type Language = 'json' | 'yaml' | 'toml' | 'properties' | 'javascript' | 'typescript' | 'html' | 'xml' | 'css' | 'python' | 'shell' | 'markdown'
const BY_END: Record<string, Language> = {
  json: 'json', json5: 'javascript', mcmeta: 'json', webmanifest: 'json',
  yaml: 'yaml', yml: 'yaml',
  toml: 'toml',
  properties: 'properties', ini: 'properties', cfg: 'properties', conf: 'properties', cnf: 'properties', env: 'properties', lang: 'properties', desktop: 'properties', service: 'properties',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript', ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescript',
  html: 'html', htm: 'html', vue: 'html', svg: 'xml', xml: 'xml', xsd: 'xml', plist: 'xml',
  css: 'css', py: 'python', sh: 'shell', bash: 'shell', zsh: 'shell',
  md: 'markdown', markdown: 'markdown',
}
const BY_NAME: Record<string, Language> = { '.env': 'properties', '.bashrc': 'shell', '.profile': 'shell', '.editorconfig': 'properties', '.gitconfig': 'properties', '.npmrc': 'properties' }

/** In which language a file is written, by its name and its first line; null where nobody knows. */
export function languageOf(name: string, text = ''): Language | null {
  const known = name.toLowerCase()
  const first = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text.slice(0, 200))
  const program = first ? (first[1]!.endsWith('/env') ? first[2] : first[1])?.split('/').at(-1) : undefined
  const byProgram = program && (/^(ba|da|z|k)?sh$/.test(program) ? 'shell' : program.startsWith('python') ? 'python' : program === 'node' ? 'javascript' : null)
  const end = /\.([a-z0-9]+)$/.exec(known)?.[1] ?? ''
  const found = Object.hasOwn(BY_NAME, known) ? BY_NAME[known] : known.startsWith('.env.') ? 'properties' : Object.hasOwn(BY_END, end) ? BY_END[end] : null
  return found ?? (byProgram || null)
}
