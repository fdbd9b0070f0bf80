import { describe, expect, it } from 'vitest'
import { changeOf } from './patchActs'

describe('a change as the API takes it', () => {
  const live = { hash: 'f'.repeat(64), text: 'one\ntwo\n' }
  it('is bound to what was looked at, and sends only what differs', () => {
    expect(changeOf({ path: 'a.txt', live, text: 'one\n2\n' })).toEqual({ path: 'a.txt', before: live.hash, from: 4, to: 7, text: '2' })
  })
  it('makes a file that is not there', () => {
    expect(changeOf({ path: 'b.txt', live: null, text: 'new' })).toEqual({ path: 'b.txt', before: 'absent', from: 0, to: 0, text: 'new' })
  })
  it('takes one away', () => {
    expect(changeOf({ path: 'a.txt', live, text: null })).toEqual({ path: 'a.txt', before: live.hash, delete: true })
  })
})
