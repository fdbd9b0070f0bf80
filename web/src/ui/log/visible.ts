/** A character that cannot be seen or that changes how its neighbours are shown, made visible. */
export interface Mark {
  /** Shown in its place. */
  label: string
  /** What it is. */
  about: string
}

const NAMES: Record<number, string> = {
  0x00ad: 'soft hyphen',
  0x034f: 'grapheme joiner',
  0x061c: 'Arabic letter mark',
  0x115f: 'Hangul filler',
  0x1160: 'Hangul filler',
  0x17b4: 'invisible Khmer vowel',
  0x17b5: 'invisible Khmer vowel',
  0x180e: 'vowel separator',
  0x200b: 'zero-width space',
  0x200c: 'zero-width non-joiner',
  0x200d: 'zero-width joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x2028: 'line separator',
  0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'end of a direction',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first-strong isolate',
  0x2069: 'end of an isolate',
  0x3164: 'Hangul filler',
  0xfeff: 'byte order mark',
  0xffa0: 'Hangul filler',
}

// C0 but tab, DEL and C1; format characters that hide or turn text; fillers; tags and rare variation selectors.
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])/gu

const PICTURE_BEFORE = /\p{Extended_Pictographic}\p{Emoji_Modifier}?\ufe0f?$/u
const PICTURE_AFTER = /^\p{Extended_Pictographic}/u

const hex = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`

/** The mark of one character. */
export function markOf(char: string): Mark {
  const code = char.codePointAt(0)!
  if (code < 0x20) return { label: `^${String.fromCharCode(0x40 + code)}`, about: `control character ${hex(code)}` }
  if (code === 0x7f) return { label: '^?', about: `control character ${hex(code)}` }
  return { label: hex(code), about: `${NAMES[code] ?? (code >= 0xe0000 && code < 0xe0080 ? 'hidden tag' : 'invisible character')} ${hex(code)}` }
}

/** A joiner between two pictures makes one picture of them (👩‍💻) and hides nothing. */
function joinsPictures(text: string, at: number): boolean {
  return text[at] === '\u200d' && PICTURE_BEFORE.test(text.slice(Math.max(0, at - 5), at)) && PICTURE_AFTER.test(text.slice(at + 1, at + 3))
}

/** Walks a text: what can be seen as it is, and each thing that cannot. */
export function walkVisible(text: string, seen: (plain: string) => void, unseen: (mark: Mark) => void): void {
  let from = 0
  UNSEEN.lastIndex = 0
  for (let found = UNSEEN.exec(text); found; found = UNSEEN.exec(text)) {
    if (joinsPictures(text, found.index)) continue
    if (found.index > from) seen(text.slice(from, found.index))
    unseen(markOf(found[0]))
    from = found.index + found[0].length
  }
  if (from < text.length) seen(from === 0 ? text : text.slice(from))
}

/** A text in which everything can be seen; marks stand as ⟨U+202E⟩. */
export function visible(text: string): string {
  let out = ''
  walkVisible(
    text,
    (plain) => (out += plain),
    ({ label }) => (out += `⟨${label}⟩`),
  )
  return out
}
