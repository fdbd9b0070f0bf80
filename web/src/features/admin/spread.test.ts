import { expect, it } from 'vitest'
import { spread } from './spread'

it('counts agents by version, the most common first', () => {
  const node = (agentVersion: string, status = 'online') => ({ agentVersion, status })
  expect(spread([node('0.9.0'), node('0.10.0'), node('0.10.0', 'offline'), node('0.8.0')], '0.10.0')).toEqual([
    { version: '0.10.0', count: 2, online: 1, same: true },
    { version: '0.9.0', count: 1, online: 1, same: false },
    { version: '0.8.0', count: 1, online: 1, same: false },
  ])
  expect(spread([], '1')).toEqual([])
})
