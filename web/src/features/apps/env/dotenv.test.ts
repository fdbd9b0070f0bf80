import { describe, expect, it } from 'vitest'
import { envBytes, readEnv, refusedName, writeEnv } from './dotenv'

describe('reading .env text', () => {
  it.each([
    ['A=1', [{ name: 'A', value: '1' }]],
    ['export A=1\r\n# note\n\n  B = two words # said\n', [{ name: 'A', value: '1' }, { name: 'B', value: 'two words' }]],
    [`A='# $x \\n'`, [{ name: 'A', value: '# $x \\n' }]],
    ['A="a\\nb \\"c\\""', [{ name: 'A', value: 'a\nb "c"' }]],
    ['KEY="-----BEGIN\nabc\n-----END"\nB=', [{ name: 'KEY', value: '-----BEGIN\nabc\n-----END' }, { name: 'B', value: '' }]],
    ['URL=postgres://u:p@h/db?x=1#frag', [{ name: 'URL', value: 'postgres://u:p@h/db?x=1#frag' }]],
    ['A=$HOME/x', [{ name: 'A', value: '$HOME/x' }]],
  ])('%j', (text, vars) => expect(readEnv(text)).toEqual({ vars, refused: [] }))

  it('names the line it cannot read and reads the others', () => {
    const { vars, refused } = readEnv('A=1\nnonsense\n1X=2\nPATH=/x\nB="x" y\nC=3')
    expect(vars.map(({ name }) => name)).toEqual(['A', 'C'])
    expect(refused.map(({ line }) => line)).toEqual([2, 3, 4, 5])
    expect(readEnv('A="never closed\nB=1').refused).toEqual([{ line: 1, why: 'The " is opened and not closed.' }])
  })

  it('reads what it wrote the same way', () => {
    const vars = ['', 'plain', 'two words', `it's "quoted"`, 'a\nb\r\tc', '#no', 'back\\slash', '$HOME `id`', '<script>', '\u202eabc', '=='].map(
      (value, at) => ({ name: `V${at}`, value }),
    )
    expect(readEnv(writeEnv(vars))).toEqual({ vars, refused: [] })
  })
})

it('refuses names the process cannot have', () => {
  expect(['A_1', '_', 'a'].map(refusedName)).toEqual([null, null, null])
  expect(['', '1A', 'A-B', 'Ä', 'PORT', 'LD_PRELOAD', 'A'.repeat(129)].map(refusedName)).toEqual(['empty', 'form', 'form', 'form', 'own', 'own', 'form'])
})

it('counts bytes, not characters', () => expect(envBytes([{ name: 'A', value: 'ü' }])).toBe(3))
