import { expect, it } from 'vitest'
import { momentIn, zones } from './zone'

const NOW = Date.parse('2026-10-23T12:00:00Z')

it('names the year where it is another one, and UTC where the zone is not known here', () => {
  expect(momentIn('2027-01-01T04:00:00Z', 'UTC', NOW)).toContain('2027')
  expect(momentIn('2026-10-24T01:00:00Z', 'Moon/Crater', NOW)).toMatch(/01:00 UTC$/)
})

it('offers zones with the one that is written, whatever it is', () => {
  expect(zones('Moon/Crater')[0]).toBe('Moon/Crater')
  expect(new Set(zones('UTC')).size).toBe(zones('UTC').length)
})
