import type { Schemas } from '@/api/client'

export interface VersionCount {
  version: string
  count: number
  online: number
  /** Whether it is the control plane's own. */
  same: boolean
}

/** How many nodes run which agent, the most common first. */
export function spread(nodes: readonly Pick<Schemas['Node'], 'agentVersion' | 'status'>[], own: string | undefined): VersionCount[] {
  const counts = new Map<string, VersionCount>()
  for (const { agentVersion: version, status } of nodes) {
    const known = counts.get(version) ?? { version, count: 0, online: 0, same: version === own }
    known.count++
    if (status === 'online') known.online++
    counts.set(version, known)
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || b.version.localeCompare(a.version, undefined, { numeric: true }))
}
