import { describe, expect, it } from 'vitest'
import { plainText, stretches } from './ansi'

const E = '\x1b'
const styled = (line: string) => stretches(line).map(({ text, style }) => [text, style])

describe('colours', () => {
  it.each([
    [`${E}[31mred${E}[0m plain`, [['red', { ink: 1 }], [' plain', null]]],
    [`${E}[1;92mok${E}[m.`, [['ok', { bold: true, ink: 10 }], ['.', null]]],
    [`${E}[38;5;196mx`, [['x', { ink: '#ff0000' }]]],
    [`${E}[38;5;9mx`, [['x', { ink: 9 }]]],
    [`${E}[48;5;232mx`, [['x', { ground: '#080808' }]]],
    [`${E}[38;2;1;2;3;4mx`, [['x', { ink: '#010203', underline: true }]]],
    [`${E}[38:2::1:2:3mx`, [['x', { ink: '#010203' }]]],
    [`${E}[38;5;999mx`, [['x', null]]],
    [`${E}[38;2;1;2mx`, [['x', null]]],
    [`${E}[8mhidden`, [['hidden', null]]],
    ['\x9b31mx', [['x', { ink: 1 }]]],
  ])('%j', (line, expected) => expect(styled(line)).toEqual(expected))
})

describe('everything else is neutralised', () => {
  it.each([
    ['cursor', `a${E}[2K${E}[1Gb`, 'ab'],
    ['private mode', `${E}[?1049hx${E}[?25l`, 'x'],
    ['title', `${E}]0;evil\x07x`, 'x'],
    ['link', `${E}]8;;https://evil.example${E}\\here${E}]8;;${E}\\`, 'here'],
    ['device string', `${E}Pq#0${E}\\x`, 'x'],
    ['charset, reset', `${E}(B${E}cx`, 'x'],
    ['a title that never ends hides nothing', `${E}]0;rm -rf`, `${E}]0;rm -rf`],
    ['broken CSI', `${E}[31`, `${E}[31`],
    ['lone escape', `x${E}`, `x${E}`],
  ])('%s', (_, line, expected) => expect(plainText(line)).toBe(expected))

  it('what was sent to the terminal is still said', () => {
    expect(stretches(`${E}]52;c;ZXZpbA==\x07x`)[0]).toEqual({ text: '', style: null, command: '52;c;ZXZpbA==' })
  })

  it('a megabyte of broken sequences is done in a moment', () => {
    const began = performance.now()
    stretches(`${E}]`.repeat(500_000))
    stretches(`${E}[`.repeat(500_000))
    stretches(`${E}[1;`.repeat(250_000))
    stretches('\x90'.repeat(1_000_000))
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})
