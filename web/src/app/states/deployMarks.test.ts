import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { marksOf } from './deployMarks'

const run = (id: string, openedAt: number, closedAt: number | null, done: string | null): Schemas['Run'] =>
  ({ id, openedAt: new Date(openedAt).toISOString(), closedAt: closedAt === null ? null : new Date(closedAt).toISOString(), done }) as Schemas['Run']

it('marks a deploy where it ended, and leaves out what never came to the node', () => {
  const runs = [run('open', 90, null, null), run('good', 10, 50, 'succeeded'), run('bad', 10, 60, 'rolledBack'), run('no', 10, 70, 'rejected'), run('before', 1, 9, 'failed')]
  expect(marksOf(runs, 10, 100).map(({ run, at, tone }) => [run.id, at, tone])).toEqual([
    ['open', 90, 'info'],
    ['good', 50, 'good'],
    ['bad', 60, 'bad'],
  ])
})
