import { describe, expect, it } from 'vitest'
import { before, clashOf, follow, isTouched, settle, type Draft } from './draft'
import type { FileRead } from './reading'

const entry = { name: 'a', kind: 'file', bytes: 1, mode: '644', modifiedAt: '', links: 1, denied: false }
const read = (text: string, hash: string): FileRead => ({ kind: 'text', text, hash, entry })
const draft = (typed: string, text = 'old', hash: string | null = 'h1'): Draft => ({ base: { hash, text }, typed })

describe('what stands against writing', () => {
  it('nothing, where the file is as it was', () => expect(clashOf(draft('new'), read('old', 'h1'))).toBeNull())
  it('another text', () => expect(clashOf(draft('new'), read('theirs', 'h2'))).toEqual({ kind: 'changed', theirs: { hash: 'h2', text: 'theirs' } }))
  it('a deletion', () => expect(clashOf(draft('new'), null)).toEqual({ kind: 'gone' }))
  it('a new file that somebody else made', () => expect(clashOf(draft('new', '', null), read('theirs', 'h2'))).toMatchObject({ kind: 'changed' }))
  it('a new file that nobody made', () => expect(clashOf(draft('new', '', null), null)).toBeNull())
  it('what is no text any more', () => expect(clashOf(draft('new'), { kind: 'binary', entry })).toEqual({ kind: 'other' }))
})

describe('the choice', () => {
  const clash = { kind: 'changed' as const, theirs: { hash: 'h2', text: 'theirs' } }
  it('mine: what was looked at is replaced, and nothing newer', () => {
    const chosen = settle(draft('new'), clash, 'mine')!
    expect(chosen).toEqual({ base: clash.theirs, typed: 'new' })
    expect(before(chosen.base)).toBe('h2')
    expect(clashOf(chosen, read('even newer', 'h3'))).toMatchObject({ kind: 'changed' })
  })
  it('theirs: nothing is left to write', () => expect(isTouched(settle(draft('new'), clash, 'theirs')!)).toBe(false))
  it('of a deleted file: it is made anew, or let go', () => {
    const anew = settle(draft('new'), { kind: 'gone' }, 'mine')!
    expect([before(anew.base), anew.typed, isTouched(anew)]).toEqual(['absent', 'new', true])
    expect(settle(draft('new'), { kind: 'gone' }, 'theirs')).toBeNull()
  })
})

describe('a fresh reading', () => {
  it('is followed by what nobody edits', () => expect(follow(draft('old'), read('theirs', 'h2'))).toEqual({ draft: draft('theirs', 'theirs', 'h2'), clash: null }))
  it('leaves alone what is being typed', () => {
    const { draft: kept, clash } = follow(draft('new'), read('theirs', 'h2'))
    expect(kept).toEqual(draft('new'))
    expect(clash).toMatchObject({ kind: 'changed' })
  })
  it('of what was just written ends the edit', () => expect(follow(draft('new'), read('new', 'h2'))).toEqual({ draft: draft('new', 'new', 'h2'), clash: null }))
  it('goes on from what was written, whatever was typed meanwhile', () => {
    expect(follow(draft('newer'), read('new', 'h2'), 'new')).toEqual({ draft: draft('newer', 'new', 'h2'), clash: null })
    expect(follow(draft('newer'), read('theirs', 'h2'), 'new').clash).toMatchObject({ kind: 'changed' })
  })
  it('of a file that is gone lets go of what nobody edits', () => expect(follow(draft('old'), null)).toEqual({ draft: null, clash: null }))
  it('the first one begins it', () => expect(follow(null, read('old', 'h1'))).toEqual({ draft: draft('old'), clash: null }))
  it('of nothing leaves a new file as it is', () => expect(follow(draft('', '', null), null)).toEqual({ draft: draft('', '', null), clash: null }))
})
