import { text } from '@/locales/en/traffic/domains'
import { httpsOf, type DomainSettings } from './form'
import { uploadWords } from './words'

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What differs between two settings, one line each, in the order of the form. `nameOf` tells what an app is called. */
export function changes(before: DomainSettings, after: DomainSettings, nameOf: (app: string) => string | undefined): string[] {
  const words = text.changes
  const lines: string[] = []
  if (!same(before.aliases ?? [], after.aliases ?? [])) lines.push(words.aliases((after.aliases ?? []).join(', ')))
  if (httpsOf(before) !== httpsOf(after)) lines.push(words.https[httpsOf(after)])
  if (!!before.tls?.hsts !== !!after.tls?.hsts) lines.push(words.hsts(!!after.tls?.hsts))
  for (const { path, app } of after.routes ?? []) {
    const was = before.routes?.find((route) => route.path === path)
    if (was?.app !== app) lines.push(words.pathAdded(path, nameOf(app) ?? words.another))
  }
  for (const { path } of before.routes ?? []) {
    if (!after.routes?.some((route) => route.path === path)) lines.push(words.pathRemoved(path))
  }
  if (before.redirect?.to !== after.redirect?.to) lines.push(words.redirect(after.redirect?.to ?? null))
  if (after.redirect && !!before.redirect?.permanent !== !!after.redirect.permanent) lines.push(words.permanent(!!after.redirect.permanent))
  if (!!before.maintenance !== !!after.maintenance) lines.push(words.maintenance(!!after.maintenance))
  else if (before.maintenance?.text !== after.maintenance?.text) lines.push(words.maintenanceText)
  if (before.maxBody !== after.maxBody) lines.push(words.upload(uploadWords(after)))
  return lines
}
