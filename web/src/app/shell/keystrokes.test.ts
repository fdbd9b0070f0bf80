import { describe, expect, it } from 'vitest'
import { matchKeys } from './keystrokes'

const all = [{ keys: 'r' }, { keys: 'g r' }, { keys: '?' }, { keys: 'mod+k' }]

describe('matchKeys', () => {
  const press = (...keys: [string, number][]): (string | null)[] => {
    let before = null as Parameters<typeof matchKeys>[1]
    return keys.map(([key, at]) => {
      const answer = matchKeys(all, before, { key, at })
      before = answer.first
      return answer.found?.keys ?? null
    })
  }
  it('takes single keys and pairs', () => {
    expect(press(['r', 0])).toEqual(['r'])
    expect(press(['g', 0], ['r', 300])).toEqual([null, 'g r'])
    expect(press(['?', 0])).toEqual(['?'])
  })
  it('forgets the first key of a pair after a while, and after anything else', () => {
    expect(press(['g', 0], ['r', 5_000])).toEqual([null, 'r'])
    expect(press(['g', 0], ['x', 100], ['r', 200])).toEqual([null, null, 'r'])
  })
  it('never takes a chord for a plain key', () => {
    expect(press(['k', 0])).toEqual([null])
  })
})
