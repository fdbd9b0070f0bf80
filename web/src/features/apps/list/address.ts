/** An address a browser may open, as it is shown; null for others (`tcp://`, and whatever should not be a link). */
export function address(url: string | null | undefined): string | null {
  if (!url) return null
  try {
    const { protocol, host, pathname } = new URL(url)
    return protocol === 'http:' || protocol === 'https:' ? host + (pathname === '/' ? '' : pathname) : null
  } catch {
    return null
  }
}
