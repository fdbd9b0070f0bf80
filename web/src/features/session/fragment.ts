/**
 * What stands behind the `#` of a link that was sent: browsers keep it to themselves, so no server's log has it. It is
 * taken out of the address at once, so that neither a bookmark nor a shared screen gives it away.
 */
export function takeFragment(prefix: string, place: Pick<Location, 'hash' | 'pathname' | 'search'> = location): string | null {
  const token = decoded(place.hash.replace(/^#/, '')).trim()
  if (place.hash) history.replaceState(history.state, '', place.pathname + place.search)
  return token.startsWith(prefix) && token.length > prefix.length ? token : null
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
