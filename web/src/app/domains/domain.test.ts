import { describe, expect, it } from 'vitest'
import { text } from '@/locales/en/traffic/domains'
import { day } from '@/ui/write/moment'
import { certificateTold, domainState, type Domain } from './domain'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const DAY = 86_400_000
const at = (days: number): string => new Date(NOW + days * DAY).toISOString()
const why = (code: string) => ({ kind: 'unavailable', code, message: 'Words.', fix: 'Do it.' })
const words = text.certificate

const told = (certificate: Partial<Domain['certificate']>, tls = 'acme') =>
  certificateTold({ certificate: { state: 'none', names: [], ...certificate }, settings: { tls: { certificate: tls } } }, NOW)

describe('a certificate in words', () => {
  it.each([
    ['is good', { state: 'valid', notAfter: at(60), next: at(30) }, 'good', words.good(day(at(60), NOW)), words.renewed(day(at(30), NOW))],
    ['was not renewed', { state: 'valid', notAfter: at(20), next: at(0.1), why: why('certificate.caa') }, 'warn', words.good(day(at(20), NOW)), words.notRenewed(words.reason('certificate.caa'))],
    ['will soon be over', { state: 'valid', notAfter: at(6), next: at(0.1), why: why('certificate.dns') }, 'bad', words.good(day(at(6), NOW)), words.notRenewed(words.reason('certificate.dns'))],
    ['is over', { state: 'valid', notAfter: at(-1), next: at(0.1), why: why('certificate.dns') }, 'bad', words.expired(day(at(-1), NOW)), words.notRenewed(words.reason('certificate.dns'))],
    ['is missing, and why', { state: 'missing', next: at(0.1), why: why('certificate.dns') }, 'bad', 'No certificate', 'the name does not lead to this node'],
    ['is missing for a reason that is new', { state: 'missing', why: why('certificate.new') }, 'bad', 'No certificate', words.reason('')],
    ['is being asked for', { state: 'missing', next: at(0) }, 'info', words.asked, words.askedMore],
    ['was not told of yet', { state: 'none' }, 'neutral', words.unknown, words.unknownMore],
  ] as [string, Partial<Domain['certificate']>, string, string, string][])('%s', (_, certificate, tone, label, more) => {
    expect(told(certificate)).toMatchObject({ tone, label, more })
  })

  it('that is not wanted is no trouble', () => expect(told({ state: 'none' }, 'none')).toMatchObject({ tone: 'neutral', label: words.plain }))

  it('says the year where it is another', () => expect(day(at(60), NOW)).toMatch(/2027/))
})

describe('a domain in one word', () => {
  const { states } = text
  const live = { state: 'live', inStep: true, reason: null, settings: {} }
  it.each([
    [live, states.live, 'good'],
    [{ ...live, settings: { maintenance: { text: 'x' } } }, states.maintenance, 'warn'],
    [{ ...live, settings: { redirect: { to: 'b.example' }, maintenance: { text: 'x' } } }, states.redirected, 'neutral'],
    [{ ...live, inStep: false }, states.changing, 'info'],
    [{ ...live, inStep: false, reason: 'nginx refuses' }, states.notChanged, 'bad'],
    [{ ...live, state: 'pending', inStep: false }, states.pending, 'info'],
    [{ ...live, state: 'failed', inStep: false, reason: 'x' }, states.failed, 'bad'],
    [{ ...live, state: 'of a later version' }, 'of a later version', 'neutral'],
  ])('%o: %s', (domain, label, tone) => expect(domainState(domain)).toMatchObject({ label, tone }))
})
