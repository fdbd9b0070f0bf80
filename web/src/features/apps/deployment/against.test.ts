import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { diffUrl, usualAgainst } from './against'

const release = (number: number, liveAt: string | null = null): Schemas['Release'] =>
  ({ id: String(number), number, liveAt, state: 'kept', createdAt: '', timings: [] }) as unknown as Schemas['Release']

it.each([
  [4, 2],
  [2, 1],
  [1, 2],
])('#%i is compared with #%i', (number, expected) => {
  const all = [release(4), release(3), release(2, 'x'), release(1, 'x')]
  expect(usualAgainst(all.find((one) => one.number === number)!, all)?.number).toBe(expected)
})
it('the only one is compared with none', () => expect(usualAgainst(release(1), [release(1)])).toBeNull())

describe('the commits between two', () => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  it.each([
    ['https://github.com/acme/shop.git', `https://github.com/acme/shop/compare/${a}...${b}`],
    ['git@gitlab.com:acme/deep/shop.git', `https://gitlab.com/acme/deep/shop/-/compare/${a}...${b}`],
    ['file:///srv/shop', null],
    ['https://github.com.evil.example/acme/shop', null],
    ['https://evil.example/github.com/acme/shop', null],
    ['javascript:alert(1)//github.com/a/b', null],
  ])('of %s are at %s', (repository, expected) => expect(diffUrl(repository, a, b)).toBe(expected))
  it('are nowhere without two commits', () => {
    expect(diffUrl('https://github.com/a/b', a, a)).toBeNull()
    expect(diffUrl('https://github.com/a/b', null, b)).toBeNull()
    expect(diffUrl('https://github.com/a/b', a, '../../x')).toBeNull()
  })
})
