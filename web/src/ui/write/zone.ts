/** A moment by the wall clock of a zone; by UTC where this machine does not know the zone. */
export function momentIn(at: string | number, timezone: string, now: number): string {
  const time = new Date(at)
  const isFar = time.getUTCFullYear() !== new Date(now).getUTCFullYear()
  const told = (timeZone: string): string =>
    new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: isFar ? 'numeric' : undefined, hour: '2-digit', minute: '2-digit', timeZone }).format(time)
  try {
    return told(timezone)
  } catch {
    return `${told('UTC')} UTC`
  }
}

/** Time zones to choose from: this machine's own and UTC first. */
export function zones(also: string): string[] {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  return [...new Set([...(also ? [also] : []), own, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
}
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
