import { api, data, type Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import { socket } from '@/api/socket'

type Run = Schemas['Run']
/** Contents up to here are hashed before they are put in their place; the machine has counted the bytes of all. */
const HASHED_BYTES = 64 * 1024 * 1024

/** The end of a run, whenever it comes. */
export async function endOf(opened: Run): Promise<Run> {
  let stop: (() => void) | null = null
  try {
    return await new Promise<Run>((resolve) => {
      const look = (): void =>
        void data<Run>(api.GET('/api/v1/runs/{id}', { params: { path: { id: opened.id } } })).then(
          (run) => run.closedAt && resolve(run),
          // With the next event, or the next connection.
          () => {},
        )
      const stops = [socket.listen(`run:${opened.id}`, look), socket.onGap(look)]
      stop = () => stops.forEach((one) => one())
      look()
    })
  } finally {
    ;(stop as (() => void) | null)?.()
  }
}

/** Throws how a run ended where it did not go well. */
export async function succeeded(run: Run): Promise<void> {
  const { done, fault } = await endOf(run)
  if (done !== 'succeeded') throw new Problem({ code: fault?.code ?? 'run.ended', message: fault?.message ?? `It ended: ${done}.`, fix: fault?.fix, status: 409 })
}

/** SHA-256 of a content, in hex; null where it is too large to wait for, or this page has no hash function. */
export async function hashOf(content: Blob): Promise<string | null> {
  // Pages by plain HTTP under another name than localhost have none.
  if (content.size > HASHED_BYTES || !globalThis.crypto?.subtle) return null
  const digest = await crypto.subtle.digest('SHA-256', await content.arrayBuffer())
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
