import { expect, it } from 'vitest'
import { draw } from './pieces'
import { MAX_SHOWN_CHARS } from './line'
import { patternOf } from './search'
import { visible } from './visible'

it.each([
  ['plain text\tstays', 'plain text\tstays'],
  ['a\u202egnp.exe', 'a⟨U+202E⟩gnp.exe'],
  ['pass\u200bword', 'pass⟨U+200B⟩word'],
  ['\u2066x\u2069', '⟨U+2066⟩x⟨U+2069⟩'],
  ['50%\r100%', '50%⟨^M⟩100%'],
  ['bell\x07 nul\x00 del\x7f', 'bell⟨^G⟩ nul⟨^@⟩ del⟨^?⟩'],
  ['\x9b31m', '⟨U+009B⟩31m'],
  ['👩‍💻 ships', '👩‍💻 ships'],
  ['a\u200db', 'a⟨U+200D⟩b'],
  ['\u{e0041}tag', '⟨U+E0041⟩tag'],
  ['מזל טוב שלום', 'מזל טוב שלום'],
  ['a\u2028b', 'a⟨U+2028⟩b'],
  ['\ud800x', '⟨U+D800⟩x'],
])('%j', (text, expected) => expect(visible(text)).toBe(expected))

it('a line is drawn as text, whatever it holds', () => {
  const { pieces } = draw('<img src=x onerror=alert(1)>\x1b]0;t\x07 password=[redacted]!', { mask: '[redacted]', pattern: patternOf('ALERT') })
  expect(pieces).toEqual([
    { text: '<img src=x onerror=', style: null },
    { text: 'alert', style: null, found: true },
    { text: '(1)>', style: null },
    { text: 'ESC…', style: null, about: 'a command to the terminal, not carried out: 0;t' },
    { text: ' password=', style: null },
    { text: '[redacted]', style: null, masked: true },
    { text: '!', style: null },
  ])
})

it('a megabyte is cut, and shown whole when asked', () => {
  const line = 'x'.repeat(1_000_000)
  expect(draw(line)).toMatchObject({ cut: 1_000_000 - MAX_SHOWN_CHARS })
  expect(draw(line, { whole: true }).pieces[0]!.text).toHaveLength(1_000_000)
})

it('a line of nothing but colour changes costs no more than its limit', () => {
  const line = '\x1b[31mx\x1b[32my'.repeat(100_000)
  expect(draw(line, { whole: true }).pieces.filter((piece) => piece.style)).toHaveLength(1_501)
})
