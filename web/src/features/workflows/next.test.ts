import { expect, it } from 'vitest'
import { text } from '@/locales/en/workflow/starts'
import { nextInWords } from './next'

const NOW = Date.parse('2026-10-23T12:00:00Z')
// The clock of Berlin is set back in the night before the second one.
const BERLIN = ['2026-10-24T01:00:00Z', '2026-10-25T02:00:00Z', '2026-10-26T02:00:00Z', '2026-10-27T02:00:00Z']

it('tells when a schedule comes round by the clock of its zone', () => {
  expect(nextInWords({ upcoming: BERLIN, timezone: 'Europe/Berlin' }, NOW)).toEqual({
    next: 'Next on Saturday 24 October at 03:00 (Europe/Berlin), in 13 hours.',
    then: 'Then Sunday 25 October at 03:00; Monday 26 October at 03:00.',
  })
})

it('leaves out what has passed since it was told, and says that nothing is left', () => {
  expect(nextInWords({ upcoming: BERLIN, timezone: 'UTC' }, Date.parse(BERLIN[2]!)).next).toContain('Tuesday 27 October at 02:00 (UTC)')
  expect(nextInWords({ upcoming: BERLIN, timezone: 'UTC' }, Date.parse(BERLIN[3]!))).toEqual({ next: text.never, then: '' })
})
