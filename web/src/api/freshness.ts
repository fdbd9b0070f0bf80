import type { QueryClient } from '@tanstack/vue-query'
import { keys } from './keys'
import type { PlaneEvent } from './socket'
import { socket } from './socket'

/** Many events in a moment cause one reading. */
const GATHER_MS = 60

/** Keeps the query cache true: every event makes stale what it speaks of, a gap makes everything stale. */
export function keepFresh(client: QueryClient): void {
  const stale = new Map<string, readonly unknown[]>()
  let timer: ReturnType<typeof setTimeout> | null = null
  const mark = (...names: (readonly unknown[])[]): void => {
    for (const name of names) stale.set(JSON.stringify(name), name)
    timer ??= setTimeout(() => {
      timer = null
      const gathered = [...stale.values()]
      stale.clear()
      for (const queryKey of gathered) void client.invalidateQueries({ queryKey })
    }, GATHER_MS)
  }

  const onRun = ({ data }: PlaneEvent): void => {
    const { id, appId, done } = data as { id: string; appId?: string | null; done?: string | null }
    // One that ended may have failed, or be drawn for a review.
    if (done) mark(keys.inboxCount)
    mark([...keys.runs, 'list'], keys.run(id))
    if (appId) mark(keys.releases(appId), keys.app(appId))
  }
  const onNode = ({ event, data }: PlaneEvent): void => {
    const { id, change } = data as { id: string; change?: string }
    if (event !== 'node.status.update') return
    mark([...keys.nodes, 'list'], keys.node(id), keys.inboxCount)
    if (change === 'joined') mark(keys.devices)
    // What is known of its servers, too.
    mark(keys.servers)
  }
  socket.listen('runs', onRun)
  socket.listen('apps', ({ data }) => {
    const { id, change } = data as { id: string; change?: string }
    mark([...keys.apps, 'list'], keys.app(id), keys.domains)
    if (change) mark(keys.inboxCount)
  })
  socket.listen('nodes', onNode)
  socket.listen('servers', ({ data }) => {
    const { id, change } = data as { id: string; change?: string }
    mark([...keys.servers, 'list'], keys.server(id))
    if (change) mark(keys.inboxCount)
  })
  socket.listen('approvals', () => mark(['approvals'], keys.inboxCount, keys.inboxTop))
  // What somebody was given may have changed what this page may do.
  socket.listen('users', () => mark(keys.people, keys.invitations, keys.roles, keys.me, ['hostGrants']))
  socket.listen('projects', () => mark(keys.projects))
  socket.onGap(() => void client.invalidateQueries())
}
