import { page, type Page } from '@/api/client'
import { access } from '@/api/session'

/** A call of a tool by an AI host: an item of `GET /api/v1/mcp/calls`. */
export interface Call {
  id: string
  at: string
  client: string
  tool: string
  decision: string
  code?: string | null
  runId?: string | null
  approvalId?: string | null
  untrusted: boolean
  durationUs: number
}

/** Which calls. */
export interface CallFilter {
  q: string
  tool: string
  decision: string
  client: string
}

/** One page of them. */
export async function readCalls(filter: CallFilter, after: string | undefined, signal: AbortSignal): Promise<Page<Call>> {
  const asked = Object.entries({ ...filter, after: after ?? '' }).filter(([, value]) => value !== '')
  const token = await access.token()
  const answer = fetch(`/api/v1/mcp/calls?${new URLSearchParams(asked)}`, { headers: token ? { Authorization: `Bearer ${token}` } : {}, signal })
  return page<Call>(
    answer.then(async (response) => {
      const body: unknown = await response.json()
      return response.ok ? { data: body as { data?: Call[] }, response } : { error: body, response }
    }),
  )
}

/** How long it took, for people. */
export const took = (micros: number): string => (micros < 1_000 ? '< 1 ms' : micros < 1_000_000 ? `${Math.round(micros / 1_000)} ms` : `${(micros / 1_000_000).toFixed(1)} s`)
