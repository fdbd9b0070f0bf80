import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/traffic/domains'
import { domainName, isUrlPath } from './domainName'

export type DomainSettings = Schemas['DomainSettings']
export type Https = 'on' | 'beside' | 'off'

/** One path while it is edited. The key keeps its row through changes. */
export interface RouteRow {
  key: number
  path: string
  app: string
}

/** A domain as it is typed: names as lines, sizes in MiB; empty means "as usual". */
export interface DomainForm {
  app: string
  domain: string
  aliases: string
  https: Https
  hsts: boolean
  routes: RouteRow[]
  redirects: boolean
  redirectTo: string
  permanent: boolean
  maintained: boolean
  maintenance: string
  upload: string
}
export type Refused = Partial<Record<keyof DomainForm | `path.${number}` | `pathApp.${number}`, string>>

/** A form in the API's words, and what in it cannot be read, by field. */
export interface ReadDomain {
  domain: string
  settings: DomainSettings
  refused: Refused
}

const MIB = 1_024 * 1_024
const DEFAULT_UPLOAD = 100 * MIB
const MAX_UPLOAD_MIB = 65_536
const MAX_ALIASES = 50
const MAX_ROUTES = 100
const MAX_TEXT_BYTES = 2_000

let nextKey = 1
export const routeRow = (path = '', app = ''): RouteRow => ({ key: nextKey++, path, app })

export const httpsOf = ({ tls }: DomainSettings): Https => (tls?.certificate === 'none' ? 'off' : tls?.redirect === false ? 'beside' : 'on')

export function toForm(domain: string, app: string, settings: DomainSettings): DomainForm {
  const { aliases, tls, routes, redirect, maxBody, maintenance } = settings
  return {
    app,
    domain,
    aliases: (aliases ?? []).join('\n'),
    https: httpsOf(settings),
    hsts: tls?.hsts ?? false,
    routes: (routes ?? []).map(({ path, app }) => routeRow(path, app)),
    redirects: !!redirect,
    redirectTo: redirect?.to ?? '',
    permanent: redirect?.permanent ?? false,
    maintained: !!maintenance,
    maintenance: maintenance?.text ?? '',
    upload: maxBody == null || maxBody === DEFAULT_UPLOAD ? '' : String(maxBody / MIB),
  }
}

/** `nodeOf` tells the machine of an app, where that is known. */
export function fromForm(form: DomainForm, nodeOf: (app: string) => string | undefined = () => undefined): ReadDomain {
  const refused: Refused = {}
  const own = domainName(form.domain)
  if ('refused' in own) refused.domain = own.refused
  if (!form.app) refused.app = text.refused.app
  const domain = 'name' in own ? own.name : ''
  const aliases = readAliases(form, domain, refused)
  const settings: DomainSettings = {
    aliases,
    tls: { certificate: form.https === 'off' ? 'none' : 'acme', redirect: form.https === 'on', hsts: form.https !== 'off' && form.hsts },
    routes: readRoutes(form, nodeOf, refused),
    maxBody: readUpload(form.upload, refused),
  }
  if (form.redirects) settings.redirect = { to: readRedirect(form.redirectTo, [domain, ...aliases], refused), permanent: form.permanent }
  if (form.maintained) settings.maintenance = { text: readText(form.maintenance, refused) }
  return { domain, settings, refused }
}

function readAliases({ aliases }: DomainForm, domain: string, refused: Refused): string[] {
  const names: string[] = []
  for (const typed of aliases.split(/[\s,]+/).filter(Boolean)) {
    const read = domainName(typed)
    if ('refused' in read) refused.aliases ??= text.refused.of(typed, read.refused)
    else if (read.name === domain || names.includes(read.name)) refused.aliases ??= text.refused.twice(read.name)
    else names.push(read.name)
  }
  if (names.length > MAX_ALIASES) refused.aliases ??= text.refused.tooManyNames(names.length)
  return names
}

function readRoutes({ routes, app }: DomainForm, nodeOf: (app: string) => string | undefined, refused: Refused): Schemas['DomainRoute'][] {
  const rows: Schemas['DomainRoute'][] = []
  const node = nodeOf(app)
  // A row in which nothing was said yet is none.
  for (const { key, path: typed, app } of routes.filter(({ path, app }) => path.trim() || app)) {
    const path = typed.trim()
    if (!isUrlPath(path)) refused[`path.${key}`] = text.refused.path
    else if (rows.some((row) => row.path === path)) refused[`path.${key}`] = text.refused.pathTwice(path)
    if (!app) refused[`pathApp.${key}`] = text.refused.pathApp
    else if (node && nodeOf(app) && nodeOf(app) !== node) refused[`pathApp.${key}`] = text.refused.elsewhere
    rows.push({ path, app })
  }
  if (rows.length > MAX_ROUTES) refused.routes = text.refused.tooManyPaths(rows.length)
  return rows
}

function readUpload(typed: string, refused: Refused): number {
  if (!String(typed).trim()) return DEFAULT_UPLOAD
  const bytes = Math.round(Number(typed) * MIB)
  if (!(bytes >= 1 && bytes <= MAX_UPLOAD_MIB * MIB)) refused.upload = text.refused.upload
  return bytes
}

function readRedirect(typed: string, own: readonly string[], refused: Refused): string {
  const read = domainName(typed)
  if ('refused' in read) refused.redirectTo = read.refused
  else if (own.includes(read.name)) refused.redirectTo = text.refused.itself
  return 'name' in read ? read.name : ''
}

function readText(typed: string, refused: Refused): string {
  const words = typed.replaceAll('\r\n', '\n').trim()
  const bytes = new TextEncoder().encode(words).length
  if (!words) refused.maintenance = text.refused.maintenance
  else if (bytes > MAX_TEXT_BYTES) refused.maintenance = text.refused.maintenanceLong(bytes)
  else if (/[^\P{Cc}\n]/u.test(words)) refused.maintenance = text.refused.maintenanceOdd
  return words
}
