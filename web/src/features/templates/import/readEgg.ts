import { api, data } from '@/api/client'
import { asProblem } from '@/api/problem'
import { text } from '@/locales/en/panel/eggs'
import type { Egg, Read } from './entry'

/** Bytes of an egg at the most, as the control plane takes them: 4 MiB. */
export const EGG_BYTES = 4 * 1024 * 1024
/** Characters that some editors put in front of a text. */
const MARK = '\uFEFF'

const refused = (message: string, fix: string, passing = false): Read => ({ kind: 'refused', why: { message, fix }, passing })

/** What the control plane says a text would become. */
const ask = (body: string): Promise<Egg> => data<Egg>(api.POST('/api/v1/alts/read', { body: { text: body } }))

/** Reads a file and says what it would become; whatever is wrong with it is said of it and thrown at nobody. */
export async function readEgg(file: Pick<File, 'size' | 'arrayBuffer'>, judge: (body: string) => Promise<Egg> = ask): Promise<Read> {
  if (file.size > EGG_BYTES) return refused(text.tooLarge(file.size, EGG_BYTES), text.tooLargeFix)
  let bytes: ArrayBuffer
  try {
    bytes = await file.arrayBuffer()
  } catch {
    return refused(text.unreadable, text.unreadableFix, true)
  }
  if (bytes.byteLength === 0) return refused(text.empty, text.notTextFix)
  let body: string
  try {
    body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refused(text.notText, text.notTextFix)
  }
  try {
    return { kind: 'read', egg: await judge(body.startsWith(MARK) ? body.slice(MARK.length) : body) }
  } catch (error) {
    const problem = asProblem(error)
    return refused(problem.message, problem.fix, problem.isPassing)
  }
}
