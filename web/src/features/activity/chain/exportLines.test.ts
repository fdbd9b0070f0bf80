import { expect, it } from 'vitest'
import { exportPath } from './exportLines'

it('asks for the period chosen, and for all of it where none is', () => {
  expect(exportPath('jsonl', '', '')).toBe('/api/v1/activity/export?format=jsonl')
  expect(exportPath('csv', '2026-11-01T00:00:00.000Z', '')).toBe('/api/v1/activity/export?format=csv&from=2026-11-01T00%3A00%3A00.000Z')
  expect(exportPath('csv', '', 'a&b=c')).toBe('/api/v1/activity/export?format=csv&to=a%26b%3Dc')
})
