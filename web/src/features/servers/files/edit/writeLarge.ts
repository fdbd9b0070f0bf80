import type { Plan, Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { text as words } from '@/locales/en/panel/files'
import type { Order } from '../change/orders'
import { hashOf, succeeded } from '../upload/ends'
import { beginUpload, finishUpload, giveUp, planUpload, sendPiece, uploadOf, type Upload } from '../upload/wire'

/** Bytes of one request. */
const PIECE = 128 * 1024
/** A piece that came too early or twice is told its place so often. */
const TRIES = 3

/** The ways out, so that their order can be tested. */
export interface Ways {
  plan: typeof planUpload
  begin: typeof beginUpload
  settled: (run: Schemas['Run']) => Promise<void>
  state: typeof uploadOf
  send: (server: string, upload: string, offset: number, piece: Blob) => Promise<Upload>
  finish: typeof finishUpload
  giveUp: typeof giveUp
}
const ways: Ways = {
  plan: planUpload,
  begin: beginUpload,
  settled: succeeded,
  state: uploadOf,
  send: (server, upload, offset, piece) => sendPiece(server, upload, offset, piece, new AbortController().signal),
  finish: finishUpload,
  giveUp,
}

async function send(server: string, upload: string, content: Blob, { send, state }: Ways): Promise<void> {
  let tries = 0
  for (let offset = 0; offset < content.size; ) {
    try {
      offset = (await send(server, upload, offset, content.slice(offset, offset + PIECE))).offset
    } catch (error) {
      if (asProblem(error).code !== 'file.offset' || ++tries > TRIES) throw error
      offset = (await state(server, upload)).offset
    }
  }
}

/**
 * A text that is too large for one order: uploaded aside, and shown at its place where that is still as it was opened (`before`: a
 * hash, or `absent`). Answered with the run that shows it, which ends as a write does; where anything goes wrong before, nothing is
 * left of it.
 */
export function writeLarge(server: string, { path, text, before }: { path: string; text: string; before: string }, by: Ways = ways): Order {
  const content = new Blob([new TextEncoder().encode(text)])
  const body = { path, bytes: content.size, overwrite: before !== 'absent' }
  return {
    // What would be lost is what was opened, and nothing else: that is what a person has edited.
    plan: async (): Promise<Plan> => {
      const plan = await by.plan(server, body)
      return { ...plan, steps: [...plan.steps, words.edit.largeGuard], losses: [] }
    },
    give: async () => {
      const { run } = await by.begin(server, body)
      try {
        await by.settled(run)
        await send(server, run.id, content, by)
        const shown = await by.finish(server, run.id, await hashOf(content), before)
        // Where somebody else was faster, what was uploaded is of no use: the person looks at theirs first.
        void by.settled(shown).catch(() => by.giveUp(server, run.id)).catch(() => {})
        return shown
      } catch (error) {
        await by.giveUp(server, run.id).catch(() => {})
        throw error
      }
    },
  }
}
