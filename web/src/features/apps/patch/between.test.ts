import { describe, expect, it } from 'vitest'
import { between } from './between'

describe('what differs between two texts', () => {
  it.each([
    ['a\nb\nc\n', 'a\nx\nc\n', { from: 2, to: 3, text: 'x' }],
    ['', 'new', { from: 0, to: 0, text: 'new' }],
    ['old', '', { from: 0, to: 3, text: '' }],
    ['aa', 'aaa', { from: 2, to: 2, text: 'a' }],
    ['aaa', 'aa', { from: 2, to: 3, text: '' }],
    ['größe', 'große', { from: 2, to: 4, text: 'o' }],
    ['a😀b', 'a😁b', { from: 1, to: 5, text: '😁' }],
    ['same', 'same', { from: 4, to: 4, text: '' }],
  ])('%j to %j', (before, after, part) => {
    expect(between(before, after)).toEqual(part)
    const old = new TextEncoder().encode(before)
    const text = new TextDecoder()
    expect(text.decode(old.slice(0, part.from)) + part.text + text.decode(old.slice(part.to))).toBe(after)
  })
})
