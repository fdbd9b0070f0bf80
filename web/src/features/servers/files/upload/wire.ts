import { api, data, plan, type Plan, type Schemas } from '@/api/client'

/** An upload as its machine has it. */
export type Upload = Schemas['ServerUpload']
export type NewUpload = Pick<Schemas['NewUpload'], 'path' | 'bytes' | 'overwrite'>

const ALL = '/api/v1/servers/{id}/uploads'
const ONE = '/api/v1/servers/{id}/uploads/{upload}'
const FINISH = '/api/v1/servers/{id}/uploads/{upload}/finish'

export const planUpload = (id: string, body: NewUpload): Promise<Plan> => plan(api.POST(ALL, { params: { path: { id }, query: { dryRun: true } }, body }))
export const beginUpload = (id: string, body: NewUpload): Promise<{ run: Schemas['Run']; upload?: Upload | null }> => data(api.POST(ALL, { params: { path: { id } }, body }))
export const uploadsOf = (id: string): Promise<Upload[]> => data(api.GET(ALL, { params: { path: { id } } }))
export const uploadOf = (id: string, upload: string): Promise<Upload> => data(api.GET(ONE, { params: { path: { id, upload } } }))
export function sendPiece(id: string, upload: string, offset: number, piece: Blob, signal: AbortSignal): Promise<Upload> {
  // Bytes are sent as they are: the generated type of a binary body is a list of numbers.
  const bytes = { body: piece as unknown as number[], bodySerializer: () => piece, headers: { 'Content-Type': 'application/octet-stream' } }
  return data(api.PATCH(ONE, { params: { path: { id, upload }, query: { offset } }, ...bytes, signal }))
}
/** `before`: how its place was when it was looked at; where it is otherwise, nothing is shown there. */
export const finishUpload = async (id: string, upload: string, sha256: string | null, before?: string): Promise<Schemas['Run']> =>
  (await data<Schemas['RunOpened']>(api.POST(FINISH, { params: { path: { id, upload } }, body: { ...(sha256 ? { sha256 } : {}), ...(before ? { before } : {}) } }))).run
export const giveUp = (id: string, upload: string): Promise<unknown> => data(api.DELETE(ONE, { params: { path: { id, upload } } }))

/** An address that downloads a file, or a folder as an archive; good once, for a minute. */
export const downloadLink = async (id: string, path: string): Promise<string> =>
  (await data<{ url: string }>(api.POST('/api/v1/servers/{id}/files/download-link', { params: { path: { id } }, body: { path } }))).url
