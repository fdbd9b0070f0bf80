import { useQueryClient } from '@tanstack/vue-query'
import { computed, onScopeDispose, shallowReactive } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { keys } from '@/api/keys'
import { socket } from '@/api/socket'
import { fileKeys } from '../keys'

type Run = Schemas['Run']
export interface Work {
  id: string
  title: string
  run: Run
}
/** Kinds of actions that change files. */
const OF_FILES = /^(file|upload)\./
/** What went well is told, the last so many. */
const TOLD = 3

/** What was ordered from this page and how it goes. When a change of files ends, whoever asked for it, what is shown is read again. */
export function useWork(server: () => string) {
  const client = useQueryClient()
  const works = shallowReactive<Work[]>([])
  const waiting = new Map<string, (run: Run) => void>()
  const stops: (() => void)[] = []

  const stale = (): void => {
    void client.invalidateQueries({ queryKey: fileKeys.folders(server()) })
    void client.invalidateQueries({ queryKey: fileKeys.usage(server()) })
  }
  const heard = ({ event, data: told }: { event: string; data: unknown }): void => {
    const run = told as { id: string; serverId?: string; action?: string; done?: string | null }
    if (event !== 'run.update' || run.serverId !== server() || !OF_FILES.test(run.action ?? '')) return
    if (works.some(({ id }) => id === run.id)) void look(run.id)
    else if (run.done) stale()
  }
  // Whoever may not follow all runs hears of those of this server.
  for (const topic of ['runs', `server:${server()}`]) stops.push(socket.listen(topic, heard))
  stops.push(socket.onGap(() => works.filter(({ run }) => !run.closedAt).forEach(({ id }) => void look(id))))
  onScopeDispose(() => stops.forEach((stop) => stop()))

  async function look(id: string): Promise<void> {
    try {
      put(await data<Run>(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })))
    } catch (error) {
      // Asked again with the next event; a gap in the events asks as well.
      if (asProblem(error).status === 404) works.splice(works.findIndex((one) => one.id === id), 1)
    }
  }
  function put(run: Run): void {
    client.setQueryData(keys.run(run.id), run)
    const at = works.findIndex(({ id }) => id === run.id)
    const known = works[at]
    if (!known || known.run.closedAt) return
    works.splice(at, 1, { ...known, run })
    if (!run.closedAt) return
    stale()
    waiting.get(run.id)?.(run)
    waiting.delete(run.id)
    const well = works.filter((one) => one.run.done === 'succeeded')
    for (const old of well.slice(0, Math.max(0, well.length - TOLD))) dismiss(old.id)
  }
  function dismiss(id: string): void {
    const at = works.findIndex((one) => one.id === id)
    if (at >= 0) works.splice(at, 1)
  }

  /** Follows a run to its end; answers it then. */
  function track(title: string, run: Run): Promise<Run> {
    // A new order: what went well before has been read.
    for (const { id } of works.filter((one) => one.run.done === 'succeeded')) dismiss(id)
    works.push({ id: run.id, title, run: { ...run, closedAt: null } })
    const ended = new Promise<Run>((resolve) => waiting.set(run.id, resolve))
    stops.push(socket.listen(`run:${run.id}`, heard))
    // It may be over before its topic is heard.
    void look(run.id)
    return ended
  }
  const open = computed(() => works.filter(({ run }) => !run.closedAt))
  return { works, open, track, dismiss, stale }
}
export type WorkOf = ReturnType<typeof useWork>
