import { describe, expect, it } from 'vitest'
import { text } from '@/locales/en/traffic/domains'
import { changes } from './changes'
import { fromForm, httpsOf, routeRow, toForm, type DomainForm, type DomainSettings } from './form'

const FULL: DomainSettings = {
  aliases: ['www.a.example', 'b.example'],
  tls: { certificate: 'acme', redirect: false, hsts: true },
  routes: [{ path: '/api', app: 'api' }],
  maxBody: 5 * 1_024 * 1_024,
  redirect: { to: 'c.example', permanent: true },
  maintenance: { text: 'Back at noon.\nThanks.' },
}
const USUAL: DomainSettings = { aliases: [], tls: { certificate: 'acme', redirect: true, hsts: false }, routes: [], maxBody: 100 * 1_024 * 1_024 }
const form = (change: Partial<DomainForm> = {}): DomainForm => ({ ...toForm('a.example', 'shop', {}), ...change })
const refusedOf = (change: Partial<DomainForm>) => fromForm(form(change)).refused

describe('settings and their form', () => {
  it.each([['everything that can be said', FULL], ['the usual', USUAL], ['half a MiB', { ...USUAL, maxBody: 512 * 1_024 }]])('%s survives the form', (_, settings) => {
    const read = fromForm(toForm('a.example', 'shop', settings))
    expect(read).toEqual({ domain: 'a.example', settings, refused: {} })
  })

  it('what nothing is said about is as usual', () => expect(fromForm(form())).toEqual({ domain: 'a.example', settings: USUAL, refused: {} }))

  it.each([
    ['on', 'acme', true],
    ['beside', 'acme', false],
    ['off', 'none', false],
  ] as const)('HTTPS %s is %s, redirect %s, and back', (https, certificate, redirect) => {
    const { settings } = fromForm(form({ https, hsts: true }))
    // Who is served by HTTP alone must not have browsers refuse it.
    expect(settings.tls).toEqual({ certificate, redirect, hsts: https !== 'off' })
    expect(httpsOf(settings)).toBe(https)
  })

  it('further names are told apart by lines, spaces and commas', () => {
    expect(fromForm(form({ aliases: ' WWW.a.example,\n b.example.\n\nc.example d.example' })).settings.aliases).toEqual(['www.a.example', 'b.example', 'c.example', 'd.example'])
  })

  it('a row of a path in which nothing was said is none', () => {
    const read = fromForm(form({ routes: [routeRow(), routeRow(' /api ', 'api')] }))
    expect(read).toMatchObject({ settings: { routes: [{ path: '/api', app: 'api' }] }, refused: {} })
  })
})

describe('what cannot be carried out is said beside its field', () => {
  it.each([
    [{ domain: 'localhost' }, { domain: text.refused.onePart }],
    [{ app: '' }, { app: text.refused.app }],
    [{ aliases: 'www.a.example *.b.example' }, { aliases: text.refused.of('*.b.example', text.refused.wildcard) }],
    [{ aliases: 'A.example' }, { aliases: text.refused.twice('a.example') }],
    [{ aliases: 'b.example b.example' }, { aliases: text.refused.twice('b.example') }],
    [{ aliases: Array.from({ length: 51 }, (_, at) => `n${at}.example`).join('\n') }, { aliases: text.refused.tooManyNames(51) }],
    [{ redirects: true, redirectTo: 'a.example' }, { redirectTo: text.refused.itself }],
    [{ redirects: true, redirectTo: 'b.example', aliases: 'b.example' }, { redirectTo: text.refused.itself }],
    [{ redirects: true, redirectTo: '' }, { redirectTo: text.refused.empty }],
    [{ redirects: false, redirectTo: 'a.example' }, {}],
    [{ maintained: true, maintenance: ' \n' }, { maintenance: text.refused.maintenance }],
    [{ maintained: true, maintenance: 'ü'.repeat(1_001) }, { maintenance: text.refused.maintenanceLong(2_002) }],
    [{ maintained: true, maintenance: 'a\tb' }, { maintenance: text.refused.maintenanceOdd }],
    [{ maintained: true, maintenance: 'a\r\nb' }, {}],
    [{ upload: '0' }, { upload: text.refused.upload }],
    [{ upload: 'many' }, { upload: text.refused.upload }],
    [{ upload: '65537' }, { upload: text.refused.upload }],
    [{ upload: '65536' }, {}],
  ] as [Partial<DomainForm>, object][])('%o: %o', (change, refused) => expect(refusedOf(change)).toEqual(refused))

  it('paths: malformed, twice, without an app, on another node', () => {
    const rows = [routeRow('api', 'x'), routeRow('/a', 'api'), routeRow('/a', 'api'), routeRow('/b', ''), routeRow('/c', 'far')]
    const nodes: Record<string, string> = { shop: 'one', api: 'one', far: 'two' }
    const { refused } = fromForm(form({ routes: rows }), (app) => nodes[app])
    expect(refused).toEqual({
      [`path.${rows[0]!.key}`]: text.refused.path,
      [`path.${rows[2]!.key}`]: text.refused.pathTwice('/a'),
      [`pathApp.${rows[3]!.key}`]: text.refused.pathApp,
      [`pathApp.${rows[4]!.key}`]: text.refused.elsewhere,
    })
  })

  it('at most 100 paths', () => {
    const routes = Array.from({ length: 101 }, (_, at) => routeRow(`/p${at}`, 'api'))
    expect(refusedOf({ routes })).toEqual({ routes: text.refused.tooManyPaths(101) })
  })
})

describe('differences', () => {
  const nameOf = (app: string): string | undefined => ({ api: 'the-api' })[app]
  it('of the same are none', () => expect(changes(FULL, FULL, nameOf)).toEqual([]))

  it('are one line each, in the order of the form', () => {
    const words = text.changes
    expect(changes(USUAL, FULL, nameOf)).toEqual([
      words.aliases('www.a.example, b.example'),
      words.https.beside,
      words.hsts(true),
      words.pathAdded('/api', 'the-api'),
      words.redirect('c.example'),
      words.permanent(true),
      words.maintenance(true),
      words.upload('5.0 MB'),
    ])
    expect(changes(FULL, USUAL, nameOf)).toEqual([
      words.aliases(''),
      words.https.on,
      words.hsts(false),
      words.pathRemoved('/api'),
      words.redirect(null),
      words.maintenance(false),
      words.upload('100 MB'),
    ])
  })

  it('of a path that leads elsewhere, and of another text', () => {
    const other = { ...FULL, routes: [{ path: '/api', app: 'gone' }], maintenance: { text: 'Later.' } }
    expect(changes(FULL, other, nameOf)).toEqual([text.changes.pathAdded('/api', text.changes.another), text.changes.maintenanceText])
  })
})
