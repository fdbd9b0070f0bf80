import type { Schemas } from '@/api/client'

type App = Schemas['App']
type Node = Schemas['Node']
type Run = Schemas['Run']

/** A failure older than this is history. */
const RECENT_MS = 3 * 86_400_000
/** A connection that comes back within this is no news. */
export const SILENCE_GRACE_MS = 120_000

/** Something a person has to look at. */
export type Need =
  | { kind: 'locked'; id: string; at: string; node: Node }
  | { kind: 'crashed'; id: string; at: string; app: App }
  | { kind: 'failed'; id: string; at: string; run: Run; app: App | null; earlier: number }
  | { kind: 'silent'; id: string; at: string; node: Node; apps: number }

const BAD_ENDS = new Set(['failed', 'rolledBack', 'expired', 'denied'])
/** Which later success makes a failure history: what deploys mends deploys, restarting and starting mend each other. */
const FAMILY: Record<string, string> = {
  'app.deploy': 'release', 'app.rollback': 'release', 'app.restart': 'process', 'app.start': 'process', 'app.stop': 'stop',
}
const family = (run: Run): string => FAMILY[run.action] ?? run.action
/** A workflow's run is about its workflow, a fork about the run it was made from. */
const about = (run: Run): { workflow?: string; run?: string } => (run.args ?? {}) as object
const subject = (run: Run): string => `${run.appId ?? run.nodeId ?? about(run).workflow ?? run.id} ${family(run)}`

/** Failures nothing has mended since, one for each app and kind of work, from runs that are sorted newest first. */
export function unmended(runs: readonly Run[], now: number): { run: Run; earlier: number }[] {
  const mended = new Set<string>()
  const forked = new Set<string>()
  const found = new Map<string, { run: Run; earlier: number }>()
  for (const run of runs) {
    const key = subject(run)
    const origin = run.action === 'workflow.fork' ? about(run).run : undefined
    if (run.done === 'succeeded') mended.add(key)
    // A fork that went well has mended what it was made from, however many forks away.
    if (origin && (run.done === 'succeeded' || forked.has(run.id))) forked.add(origin)
    if (!run.done || !BAD_ENDS.has(run.done) || mended.has(key) || forked.has(run.id)) continue
    if (now - Date.parse(run.closedAt ?? run.updatedAt) > RECENT_MS) continue
    const newer = found.get(key)
    if (newer) newer.earlier++
    else found.set(key, { run, earlier: 0 })
  }
  return [...found.values()]
}

/** What needs a person, the most urgent first; what was marked as seen is left out. */
export function needs(fleet: { apps: readonly App[]; nodes: readonly Node[]; runs: readonly Run[] }, seen: ReadonlySet<string>, now: number): Need[] {
  const apps = new Map(fleet.apps.map((app) => [app.id, app]))
  const silent = new Set(fleet.nodes.filter((node) => node.status === 'offline').map((node) => node.id))
  const all: Need[] = []
  for (const node of fleet.nodes) {
    if (node.status === 'locked') all.push({ kind: 'locked', id: `locked:${node.id}`, at: node.lastSeenAt ?? node.createdAt, node })
  }
  for (const app of fleet.apps) {
    // What a silent node's apps do is not known; the node stands here instead.
    if ((app.state === 'crashed' || app.state === 'failed') && !silent.has(app.nodeId)) {
      all.push({ kind: 'crashed', id: `crashed:${app.id}:${app.updatedAt}`, at: app.updatedAt, app })
    }
  }
  for (const { run, earlier } of unmended(fleet.runs, now)) {
    // Of what was deleted nothing has to be mended.
    if (run.appId && !apps.has(run.appId)) continue
    all.push({ kind: 'failed', id: `failed:${run.id}`, at: run.closedAt ?? run.updatedAt, run, app: apps.get(run.appId ?? '') ?? null, earlier })
  }
  for (const node of fleet.nodes) {
    const at = node.lastSeenAt ?? node.createdAt
    if (node.status === 'offline' && now - Date.parse(at) > SILENCE_GRACE_MS) {
      all.push({ kind: 'silent', id: `silent:${node.id}:${at}`, at, node, apps: fleet.apps.filter((app) => app.nodeId === node.id).length })
    }
  }
  return all.filter(({ id }) => !seen.has(id))
}
