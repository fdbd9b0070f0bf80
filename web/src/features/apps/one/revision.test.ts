import { expect, it } from 'vitest'
import { revision } from './revision'

const sha = '859ca96463c0319e0e0727a0ee55325b94659db7'
it.each<[string, ReturnType<typeof revision>]>([
  [' main ', { reference: 'main' }],
  ['feature/x-1', { reference: 'feature/x-1' }],
  ['v1.2.3', { reference: 'v1.2.3' }],
  [sha.toUpperCase(), { commit: sha }],
  ['859ca96', { reference: '859ca96' }],
  ...['', '-b', '--upload-pack=id', 'a..b', 'a b', '@{u}', 'x.lock', '/x', 'x/', 'a:b', '.x', 'a/.b', 'x'.repeat(256)].map((bad): [string, null] => [bad, null]),
])('%j', (typed, read) => expect(revision(typed)).toEqual(read))
