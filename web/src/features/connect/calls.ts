import { api, page, type Page, type Schemas } from '@/api/client'

/** A call of a tool by an AI host. */
export type Call = Schemas['McpCall']

/** Which calls; what is empty does not matter. */
export interface CallFilter {
  q: string
  tool: string
  decision: string
  client: string
}

/** One page of them. */
export function readCalls(filter: CallFilter, after: string | undefined, signal: AbortSignal): Promise<Page<Call>> {
  const asked = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''))
  return page<Call>(api.GET('/api/v1/mcp/calls', { params: { query: { ...asked, after } }, signal }))
}

/** How long it took, for people. */
export const took = (micros: number): string => (micros < 1_000 ? '< 1 ms' : micros < 1_000_000 ? `${Math.round(micros / 1_000)} ms` : `${(micros / 1_000_000).toFixed(1)} s`)
