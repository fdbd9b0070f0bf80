import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { needs, unmended } from './needs'
import { digest, look } from './visit'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const at = (minutesAgo: number): string => new Date(NOW - minutesAgo * 60_000).toISOString()
const app = (id: string, state = 'running', nodeId = 'n'): Schemas['App'] => ({ id, name: id, state, nodeId, updatedAt: at(5) }) as Schemas['App']
const node = (id: string, status: string, minutesAgo = 60): Schemas['Node'] => ({ id, name: id, status, lastSeenAt: at(minutesAgo), createdAt: at(999) }) as Schemas['Node']
const run = (id: string, done: string | null, minutesAgo: number, action = 'app.deploy', appId = 'shop'): Schemas['Run'] =>
  ({ id, action, appId, done, state: done ? 'done' : 'working', closedAt: done ? at(minutesAgo) : null, updatedAt: at(minutesAgo) }) as Schemas['Run']

describe('unmended', () => {
  const ids = (runs: Schemas['Run'][]): [string, number][] => unmended(runs, NOW).map(({ run, earlier }) => [run.id, earlier])
  it('takes the newest failure of an app and counts those before', () => {
    expect(ids([run('3', 'failed', 1), run('2', 'rolledBack', 2), run('1', 'succeeded', 3)])).toEqual([['3', 1]])
  })
  it('forgets what was mended since, also in another way', () => {
    expect(ids([run('2', 'succeeded', 1, 'app.rollback'), run('1', 'failed', 2)])).toEqual([])
    expect(ids([run('2', 'succeeded', 1, 'app.restart'), run('1', 'failed', 2)])).toEqual([['1', 0]])
  })
  it('takes runs of one workflow for one, and a fork that went well for what mended the run it was made from', () => {
    const of = (id: string, done: string, minutesAgo: number, workflow: string) => ({ ...run(id, done, minutesAgo, 'workflow.run'), appId: null, args: { workflow } }) as never as Schemas['Run']
    const fork = (id: string, done: string, minutesAgo: number, from: string) => ({ ...run(id, done, minutesAgo, 'workflow.fork'), appId: null, args: { run: from } }) as never as Schemas['Run']
    expect(ids([of('3', 'failed', 1, 'nightly'), of('2', 'failed', 2, 'nightly'), of('1', 'failed', 3, 'other')])).toEqual([['3', 1], ['1', 0]])
    expect(ids([of('2', 'succeeded', 1, 'nightly'), of('1', 'failed', 2, 'nightly')])).toEqual([])
    expect(ids([fork('3', 'succeeded', 1, '2'), fork('2', 'failed', 2, '1'), of('1', 'failed', 3, 'nightly')])).toEqual([])
    expect(ids([fork('2', 'failed', 2, '1'), of('1', 'failed', 3, 'nightly')])).toEqual([['2', 0], ['1', 0]])
  })
  it('forgets history and what people ended themselves', () => {
    expect(ids([run('1', 'failed', 5 * 24 * 60), run('2', 'cancelled', 1), run('3', 'rejected', 1), run('4', null, 1)])).toEqual([])
  })
})

describe('needs', () => {
  it('puts the most urgent first and leaves out what was seen', () => {
    const fleet = {
      apps: [app('shop'), app('blog', 'crashed'), app('far', 'crashed', 'away')],
      nodes: [node('n', 'online'), node('away', 'offline'), node('odd', 'locked'), node('blip', 'offline', 1)],
      runs: [run('1', 'failed', 1), run('gone', 'failed', 1, 'app.deploy', 'deleted')],
    }
    const all = needs(fleet, new Set(), NOW)
    expect(all.map(({ kind }) => kind)).toEqual(['locked', 'crashed', 'failed', 'silent'])
    expect(all[3]).toMatchObject({ apps: 1, node: { id: 'away' } })
    expect(needs(fleet, new Set(all.map(({ id }) => id)), NOW)).toEqual([])
  })
})

describe('visits', () => {
  it('begin anew after an absence', () => {
    const first = look(null, 0)
    expect(first).toEqual({ lastLook: 0, before: null })
    expect(look(first, 60_000)).toEqual({ lastLook: 60_000, before: null })
    expect(look({ lastLook: 0, before: null }, 3_600_000)).toEqual({ lastLook: 3_600_000, before: 0 })
    expect(look({ lastLook: 3_600_000, before: 0 }, 3_660_000).before).toBe(0)
  })
  it('count endings, not proposals', () => {
    const lines = [
      ['app.deploy', 'proposed'], ['app.deploy', 'succeeded'], ['app.deploy', 'rolledBack'], ['node.enrol', 'succeeded'],
      ['session.open', 'succeeded'], ['token.create', 'succeeded'], ['app.restart', 'failed'],
    ].map(([action, outcome]) => ({ action: action!, outcome: outcome! }))
    expect(digest(lines)).toEqual({ deploys: 2, failed: 2, nodes: 1, changes: 2 })
  })
})
