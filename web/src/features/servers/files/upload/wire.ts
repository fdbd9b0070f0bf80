import { api, data, plan, type Plan, type Schemas } from '@/api/client'

/** An upload as its machine has it. */
export interface Upload {
  id: string
  path: string
  bytes: number
  offset: number
  overwrite: boolean
  begunAt: string
  expiresAt: string
}
export interface NewUpload {
  path: string
  bytes: number
  overwrite: boolean
}

type Answer<T> = Promise<{ data?: { data?: T }; error?: unknown; response: Response }>
type Send = <T>(path: string, init: object) => Answer<T>
/** The routes of transfers, until the generated client has them. */
const wire = api as unknown as Record<'GET' | 'POST' | 'PATCH' | 'DELETE', Send>
const DRY = { dryRun: true } as const
const ALL = '/api/v1/servers/{id}/uploads'
const ONE = '/api/v1/servers/{id}/uploads/{upload}'

export const planUpload = (id: string, body: NewUpload): Promise<Plan> => plan(wire.POST(ALL, { params: { path: { id }, query: DRY }, body }))
export const beginUpload = (id: string, body: NewUpload): Promise<{ run: Schemas['Run']; upload: Upload | null }> => data(wire.POST(ALL, { params: { path: { id } }, body }))
export const uploadsOf = (id: string): Promise<Upload[]> => data(wire.GET(ALL, { params: { path: { id } } }))
export const uploadOf = (id: string, upload: string): Promise<Upload> => data(wire.GET(ONE, { params: { path: { id, upload } } }))
export async function sendPiece(id: string, upload: string, offset: number, piece: Blob, signal: AbortSignal): Promise<Upload> {
  const init = { params: { path: { id, upload }, query: { offset } }, body: piece, bodySerializer: (body: Blob) => body, headers: { 'Content-Type': 'application/octet-stream' }, signal }
  return (await data<{ upload: Upload }>(wire.PATCH(ONE, init))).upload
}
export const finishUpload = async (id: string, upload: string, sha256: string | null): Promise<Schemas['Run']> =>
  (await data<Schemas['RunOpened']>(wire.POST(`${ONE}/finish`, { params: { path: { id, upload } }, body: sha256 ? { sha256 } : {} }))).run
export const giveUp = (id: string, upload: string): Promise<unknown> => data(wire.DELETE(ONE, { params: { path: { id, upload } } }))

/** An address that downloads a file, or a folder as an archive; good once, for a minute. */
export const downloadLink = async (id: string, path: string): Promise<string> =>
  (await data<{ url: string }>(wire.POST('/api/v1/servers/{id}/files/download-link', { params: { path: { id } }, body: { path } }))).url
