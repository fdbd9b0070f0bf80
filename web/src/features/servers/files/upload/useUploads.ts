import { useEventListener } from '@vueuse/core'
import { computed, effectScope, shallowRef } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { queryClient } from '@/app/queries'
import { fileKeys } from '../keys'
import { parentOf } from '../paths'
import { hashOf, succeeded } from './ends'
import { after, due, FIRST_PIECE, isBusy, nextTick, pieceAfter, progress, type Happening, type Item, type Queue } from './queue'
import { beginUpload, finishUpload, giveUp, sendPiece, uploadOf, uploadsOf } from './wire'

const unlessGone = (error: unknown): null => {
  if (asProblem(error).code === 'file.no_upload') return null
  throw error
}

/** The uploads to one server: they go on while one looks at other pages, and as long as this one is open. */
function uploadsTo(server: string) {
  const queue = shallowRef<Queue>([])
  const files = new Map<string, File>()
  const requests = new Map<string, AbortController>()
  const folders = new Map<string, Promise<void>>()
  let piece = FIRST_PIECE
  let timer: ReturnType<typeof setTimeout> | undefined

  const item = (key: string): Item | undefined => queue.value.find((one) => one.key === key)
  function happen(what: Happening): void {
    queue.value = after(queue.value, what)
    // Each takes its turn as it begins.
    for (let next = due(queue.value)[0]; next; next = due(queue.value)[0]) void go(next.key)
    clearTimeout(timer)
    const at = nextTick(queue.value)
    if (at !== null) timer = setTimeout(() => happen({ kind: 'tick', at: Date.now() }), Math.max(0, at - Date.now()))
  }

  /** Every folder is made once, however many files go into it. */
  function folder(path: string): Promise<void> {
    if (!path) return Promise.resolve()
    const known = folders.get(path)
    if (known) return known
    const made = data<Schemas['RunOpened']>(api.POST('/api/v1/servers/{id}/files/folder', { params: { path: { id: server } }, body: { path, parents: true } })).then(({ run }) => succeeded(run))
    folders.set(path, made)
    made.catch(() => folders.delete(path))
    return made
  }
  async function opened(one: Item): Promise<void> {
    const { key } = one
    // One that was given up meanwhile begins anew.
    const there = one.upload ? await uploadOf(server, one.upload).catch(unlessGone) : null
    if (there) return happen({ kind: 'opened', key, upload: there.id, offset: there.offset })
    if (newFolders.has(parentOf(one.path))) await folder(parentOf(one.path))
    const { run, upload } = await beginUpload(server, { path: one.path, bytes: one.bytes, overwrite: one.overwrite })
    if (upload) return happen({ kind: 'opened', key, upload: upload.id, offset: upload.offset })
    happen({ kind: 'held', key, upload: run.id })
    await succeeded(run)
    if (item(key)?.phase === 'held') happen({ kind: 'opened', key, upload: run.id, offset: (await uploadOf(server, run.id)).offset })
  }
  async function send(key: string, file: File): Promise<void> {
    for (let now = item(key); now?.phase === 'sending' && now.offset < now.bytes; now = item(key)) {
      const control = new AbortController()
      requests.set(key, control)
      const bytes = Math.min(piece, now.bytes - now.offset)
      const began = performance.now()
      try {
        const { offset } = await sendPiece(server, now.upload!, now.offset, file.slice(now.offset, now.offset + bytes), control.signal)
        piece = pieceAfter(bytes, performance.now() - began)
        happen({ kind: 'sent', key, offset })
      } catch (error) {
        // Cut off by the person: what arrived is kept, and asked for when it goes on.
        if (control.signal.aborted) return
        if (asProblem(error).code !== 'file.offset') throw error
        happen({ kind: 'sent', key, offset: (await uploadOf(server, now.upload!)).offset })
      } finally {
        requests.delete(key)
      }
    }
  }
  async function go(key: string): Promise<void> {
    const file = files.get(key)
    happen({ kind: 'opening', key })
    try {
      await opened(item(key)!)
      if (!file) throw new Error('an upload begins with its file')
      await send(key, file)
      if (item(key)?.phase !== 'sending') return
      happen({ kind: 'finishing', key })
      await succeeded(await finishUpload(server, item(key)!.upload!, await hashOf(file)))
      files.delete(key)
      happen({ kind: 'finished', key })
      void queryClient.invalidateQueries({ queryKey: fileKeys.folders(server) })
      void queryClient.invalidateQueries({ queryKey: fileKeys.usage(server) })
    } catch (error) {
      const problem = asProblem(error)
      if (!item(key)) return
      // A request that took too long is a lost link as well: the next one carries less.
      if (problem.isPassing || (error instanceof DOMException && error.name === 'TimeoutError')) {
        piece = pieceAfter(piece, 30_000)
        happen({ kind: 'lost', key, at: Date.now() + (problem.retryAfterMs ?? 0) })
      } else happen({ kind: 'failed', key, why: [problem.message, problem.fix].filter(Boolean).join(' ') })
    }
  }

  const newFolders = new Set<string>()
  let keys = 0
  function add(all: readonly { path: string; file: File }[], overwrite: boolean, made: Iterable<string>): void {
    for (const path of made) newFolders.add(path)
    const items = all.map(({ path, file }) => {
      const key = `${server}:${keys++}`
      files.set(key, file)
      return { key, path, bytes: file.size, overwrite }
    })
    happen({ kind: 'added', items })
  }
  function pause(key: string): void {
    happen({ kind: 'pause', key })
    requests.get(key)?.abort()
  }
  function drop(key: string): void {
    const one = item(key)
    happen({ kind: 'dropped', key })
    requests.get(key)?.abort()
    files.delete(key)
    // What was begun holds room on the machine until it is given up.
    if (one?.upload && one.phase !== 'done') giveUp(server, one.upload).catch(() => {})
  }
  function attach(key: string, file: File): void {
    files.set(key, file)
    happen({ kind: 'attached', key, bytes: file.size })
  }
  /** Asks its machine for what was begun before this page was loaded. */
  async function remember(): Promise<void> {
    const known = await uploadsOf(server).catch(() => [])
    if (known.length) happen({ kind: 'known', items: known.map(({ id, path, bytes, offset, overwrite }) => ({ upload: id, path, bytes, offset, overwrite })) })
  }
  useEventListener('beforeunload', (event: BeforeUnloadEvent) => queue.value.some(isBusy) && event.preventDefault())
  useEventListener('online', () => queue.value.filter(({ phase }) => phase === 'lost').forEach(({ key }) => happen({ kind: 'resume', key })))
  return { queue, progress: computed(() => progress(queue.value)), add, pause, resume: (key: string) => happen({ kind: 'resume', key }), drop, attach, remember }
}
export type Uploads = ReturnType<typeof uploadsTo>

const known = new Map<string, Uploads>()
/** Those of one server, the same for every page that looks at them. */
export function useUploads(server: string): Uploads {
  const found = known.get(server)
  if (found) return found
  const made = effectScope(true).run(() => uploadsTo(server))!
  known.set(server, made)
  return made
}
