import type { Schemas } from '@/api/client'

type Release = Schemas['Release']

/** What a release is compared with unless told otherwise: the one that served before it, or else the one before. */
export function usualAgainst(release: Release, all: readonly Release[]): Release | null {
  const earlier = all.filter(({ number }) => number < release.number).sort((a, b) => b.number - a.number)
  const later = all.filter(({ number }) => number > release.number).sort((a, b) => a.number - b.number)
  return earlier.find(({ liveAt }) => liveAt) ?? earlier[0] ?? later[0] ?? null
}

/** Where the commits between two are seen, for repositories that are known to have such a page. Null for all others. */
export function diffUrl(repository: string, from: string | null | undefined, to: string | null | undefined): string | null {
  if (!from || !to || from === to) return null
  const found = /^(?:https:\/\/|git@|ssh:\/\/git@)(github\.com|gitlab\.com|codeberg\.org)[/:]([\w.-]+(?:\/[\w.-]+)+)\/?$/.exec(repository)
  if (!found || !/^[0-9a-f]{7,64}$/.test(from) || !/^[0-9a-f]{7,64}$/.test(to)) return null
  const host = found[1]!
  const path = found[2]!.replace(/\.git$/, '')
  return `https://${host}/${path}/${host === 'gitlab.com' ? '-/' : ''}compare/${from}...${to}`
}
