import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { history } from './useSettingsHistory'

const run = (at: string, keepReleases: number, more: object = {}) =>
  ({
    openedAt: at,
    closedAt: at,
    done: 'succeeded',
    args: { name: 'shop', settings: { repository: 'https://git.example.org/shop', keepReleases } },
    ...more,
  }) as unknown as Schemas['Run']

it('tells settings from the runs that saved them, oldest first', () => {
  const app = { name: 'shop', createdAt: '2026-01-01T00:00:00Z' }
  const saved = history(
    app,
    [run('2026-01-03T00:00:00Z', 8), run('2026-01-02T12:00:00Z', 9, { done: 'rejected' }), run('2026-01-02T00:00:00Z', 7)],
    [run('2026-01-01T00:00:00.010Z', 5), run('2025-06-01T00:00:00Z', 4), run('2026-01-01T00:00:00Z', 3, { done: 'failed' })],
  )
  expect(saved.map(({ settings }) => settings.keepReleases)).toEqual([5, 7, 8])
  expect(history(app, [], [run('2025-06-01T00:00:00Z', 4)])).toEqual([])
})
