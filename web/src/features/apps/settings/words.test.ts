import { describe, expect, it } from 'vitest'
import { line, needsShell, words } from './words'

describe('words', () => {
  it.each([
    ['', []],
    ['  node   server.js ', ['node', 'server.js']],
    [`npm run "build it" -- 'a b'`, ['npm', 'run', 'build it', '--', 'a b']],
    [`echo "" ''`, ['echo', '', '']],
    [`a"b c"d`, ['ab cd']],
    [`"say \\"hi\\"" a\\ b`, ['say "hi"', 'a b']],
    [`'\\n'`, ['\\n']],
  ])('%s', (text, expected) => expect(words(text)).toEqual(expected))

  it('says which quote is open', () => {
    expect(() => words(`node 'server.js`)).toThrow(/'/)
    expect(() => words('node "server.js')).toThrow(/"/)
  })

  it('splits what it wrote the same way', () => {
    for (const argv of [['a'], ['a b', `it's`, 'say "hi"', '', '\\', 'tab\there', '$HOME'], [`'"\\`]]) {
      expect(words(line(argv))).toEqual(argv)
    }
  })

  it('knows what only a shell does', () => {
    for (const shell of ['a && b', 'a | b', 'a > f', 'echo $HOME', 'x; y', '$(id)', '`id`', 'a ${B}']) expect(needsShell(shell), shell).toBe(true)
    for (const plain of ['npm ci', 'node server.js --port=1', `sh -c 'a && b'`, 'x -$']) expect(needsShell(plain), plain).toBe(false)
  })
})
