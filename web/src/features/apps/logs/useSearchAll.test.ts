import { expect, it } from 'vitest'
import { isFound, queryOf, type Asked } from './useSearchAll'

const asked: Asked = { q: '', regex: false, level: '', stream: '', span: '', context: '0' }

it('asks for what was filled in alone', () => {
  expect(queryOf(asked, 10)).toEqual({ context: 0, limit: 50 })
  expect(queryOf({ ...asked, q: 'a', regex: true, level: 'error', stream: 'err', span: '1h', context: '2' }, 3_600_001)).toEqual({ q: 'a', regex: true, level: 'error', stream: 'err', from: '1', context: 2, limit: 50 })
})

it.each([
  ['a text, whatever its case and colours', { q: 'timeOUT' }, { text: 'Time\u001b[31mout', stream: 'out' }, true],
  ['another stream', { q: 'a', stream: 'err' }, { text: 'a', stream: 'out' }, false],
  ['an expression is not ours to judge', { q: '(a+)+', regex: true }, { text: 'a', stream: 'out' }, null],
])('%s', (_, part, line, found) => expect(isFound(line, { ...asked, ...part })).toBe(found))
