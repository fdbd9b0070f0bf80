/** Under HTTPS alone browsers take a name that nobody but this host can set. */
const NAME = { 'https:': '__Host-sf_csrf', 'http:': 'sf_csrf' }

/** What a page of another site cannot read: sent back where the cookie alone says who is asking. */
export function csrf(protocol: string = globalThis.location?.protocol, cookies: string = globalThis.document?.cookie ?? ''): string {
  const name = protocol === 'https:' ? NAME['https:'] : NAME['http:']
  const found = cookies.split('; ').find((cookie) => cookie.startsWith(`${name}=`))
  return found?.slice(name.length + 1) ?? ''
}
