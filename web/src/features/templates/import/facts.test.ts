import { expect, it } from 'vitest'
import { installWords, readyWords, stopWords } from './facts'

it.each([
  [{ stop: { kind: 'command', line: 'end', grace: 30_000 } }, 'the console command “end”, 30 seconds to end by itself'],
  [{ stop: { kind: 'signal', signal: 'SIGINT', grace: 1_000 } }, 'the signal SIGINT, 1 second to end by itself'],
  [null, 'the signal '],
])('%j is stopped by %s', (document, words) => expect(stopWords(document)).toBe(words))

it.each([
  [{ ready: { lines: [] } }, 'it was started'],
  [{ ready: { lines: [{ kind: 'text', text: ')! For help' }, { kind: 'regex', pattern: '^up$' }] } }, 'a line holds “)! For help” or “/^up$/”'],
  [{ ready: 7 }, 'it was started'],
])('%j is ready when %s', (document, words) => expect(readyWords(document)).toBe(words))

it.each([
  [{}, 'none'],
  [{ install: { entrypoint: 'bash', script: 'true' } }, 'a script'],
  [{ install: { image: 'debian:12', entrypoint: 'bash', script: 'true' } }, 'a script in debian:12'],
])('%j is set up by %s', (document, words) => expect(installWords(document)).toBe(words))
