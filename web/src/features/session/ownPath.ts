/** Pages for people who are not signed in. */
const OPEN = new Set(['/login', '/welcome', '/forgot', '/reset', '/invitation'])

/** Where to go after signing in: only a path of this dashboard, whatever a link said. */
export function ownPath(next: unknown, origin = location.origin): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return '/'
  try {
    // The address as the browser understands it: `//host`, `/\host` and tabs inside lead elsewhere.
    const url = new URL(next, origin)
    if (url.origin !== origin || url.pathname.startsWith('/api/')) return '/'
    if (OPEN.has(url.pathname)) return '/'
    return url.pathname + url.search + url.hash
  } catch {
    return '/'
  }
}
