/** A colour of a terminal: one of its sixteen, or any (as `#rrggbb`). */
export type Colour = number | string

/** How a terminal would have shown a piece of text. */
export interface Style {
  ink?: Colour
  ground?: Colour
  bold?: boolean
  dim?: boolean
  italic?: boolean
  underline?: boolean
  strike?: boolean
  /** Ink and ground exchanged. */
  inverse?: boolean
}

/** A stretch of a line between two control sequences. `command`: what was sent to the terminal and not to the reader. */
export interface Stretch {
  text: string
  style: Style | null
  command?: string
}

const ESC = '\x1b'
// CSI carries numbers alone and hides nothing: what is no colour is left out. ECMA-48 section 5.4.
// eslint-disable-next-line no-control-regex
const CSI = /(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~])/y
// Strings (titles, links, device commands) end with BEL or ST; one that does not end is no sequence but text.
// eslint-disable-next-line no-control-regex
const STRING = /(?:\x1b([\]PX^_])|([\x9d\x90\x98\x9e\x9f]))([^\x07\x1b\x90\x98\x9c-\x9f]*)(?:\x07|\x1b\\|\x9c)/y
// eslint-disable-next-line no-control-regex
const SHORT = /\x1b[ -/]*[0-OQ-WYZ\\`-~]/y
// eslint-disable-next-line no-control-regex
const BEGIN = /[\x1b\x90\x98\x9b\x9d-\x9f]/g

/** Splits a line at its control sequences; what follows one that is broken stays text. */
export function stretches(line: string): Stretch[] {
  const out: Stretch[] = []
  let style: Style | null = null
  let from = 0
  const push = (end: number): void => {
    if (end > from) out.push({ text: line.slice(from, end), style })
  }
  BEGIN.lastIndex = 0
  for (let found = BEGIN.exec(line); found; found = BEGIN.exec(line)) {
    const at = found.index
    const csi = match(CSI, line, at)
    const string = csi ? null : match(STRING, line, at)
    const short = csi || string || found[0] !== ESC ? null : match(SHORT, line, at)
    const whole = (csi ?? string ?? short)?.[0]
    if (!whole) continue
    push(at)
    from = at + whole.length
    BEGIN.lastIndex = from
    if (csi?.[3] === 'm' && !csi[2] && !/[<=>?]/.test(csi[1]!)) style = restyled(style, csi[1]!)
    // Links keep their text; where they lead is said like every other command.
    else if (string && string[3] && string[3] !== '8;;') out.push({ text: '', style: null, command: string[3] })
  }
  push(line.length)
  return out
}

/** What a line says without its control sequences. */
export function plainText(line: string): string {
  BEGIN.lastIndex = 0
  if (!BEGIN.test(line)) return line
  return stretches(line)
    .map((stretch) => stretch.text)
    .join('')
}

function match(pattern: RegExp, line: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(line)
}

/** Select graphic rendition: ECMA-48 section 8.3.117, colours by ISO 8613-6 (`38;5;n`, `38;2;r;g;b`, also with colons). */
function restyled(before: Style | null, parameters: string): Style | null {
  const style: Style = { ...before }
  const groups = parameters.split(';')
  for (let at = 0; at < groups.length; at++) {
    const parts = groups[at]!.split(':').map((part) => (part === '' ? 0 : Number(part)))
    const code = parts[0]!
    if (code === 38 || code === 48) {
      const isOne = parts.length > 1
      const rest = isOne ? parts.slice(1) : groups.slice(at + 1, at + 5).map((part) => Number(part || 0))
      const { colour, used } = anyColour(rest, isOne)
      if (!isOne) at += used
      if (colour !== undefined) style[code === 38 ? 'ink' : 'ground'] = colour
    } else apply(style, code, parts[1])
  }
  return Object.values(style).some((value) => value !== undefined && value !== false) ? style : null
}

function apply(style: Style, code: number, detail: number | undefined): void {
  if (code === 0) for (const key of Object.keys(style) as (keyof Style)[]) delete style[key]
  else if (code === 1) style.bold = true
  else if (code === 2) style.dim = true
  else if (code === 3) style.italic = true
  else if (code === 4) style.underline = detail !== 0
  else if (code === 7) style.inverse = true
  else if (code === 9) style.strike = true
  else if (code === 22) style.bold = style.dim = false
  else if (code === 23) style.italic = false
  else if (code === 24) style.underline = false
  else if (code === 27) style.inverse = false
  else if (code === 29) style.strike = false
  else if (code >= 30 && code <= 37) style.ink = code - 30
  else if (code === 39) style.ink = undefined
  else if (code >= 40 && code <= 47) style.ground = code - 40
  else if (code === 49) style.ground = undefined
  else if (code >= 90 && code <= 97) style.ink = code - 82
  else if (code >= 100 && code <= 107) style.ground = code - 92
  // 8, concealed, is not obeyed: nothing in a log is hidden from its reader.
}

function anyColour(rest: number[], hasSpace: boolean): { colour: Colour | undefined; used: number } {
  if (rest[0] === 5) return { colour: ofCube(rest[1]), used: 2 }
  if (rest[0] !== 2) return { colour: undefined, used: 0 }
  // With colons a colour space may stand before the three numbers.
  const rgb = (hasSpace && rest.length > 4 ? rest.slice(2, 5) : rest.slice(1, 4)).map((value) => (value >= 0 && value <= 255 ? Math.trunc(value) : NaN))
  const isColour = rgb.length === 3 && rgb.every(Number.isFinite)
  return { colour: isColour ? `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}` : undefined, used: 4 }
}

const STEPS = [0, 95, 135, 175, 215, 255]

/** A colour of the 256: sixteen named ones, a cube of six steps, 24 greys. */
function ofCube(index: number | undefined): Colour | undefined {
  if (index === undefined || !Number.isInteger(index) || index < 0 || index > 255) return undefined
  if (index < 16) return index
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  if (index >= 232) return `#${hex(8 + (index - 232) * 10).repeat(3)}`
  const cube = index - 16
  return `#${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => hex(STEPS[step]!)).join('')}`
}
