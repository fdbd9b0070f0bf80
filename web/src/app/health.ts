import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { data, api, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { access } from '@/api/session'
import { useTopic } from '@/api/socket'

/** An unhealthy control plane answers 503 with its checks: that is an answer too. */
async function read(signal: AbortSignal): Promise<Schemas['Health']> {
  const token = await access.token().catch(() => null)
  const response = await fetch('/api/v1/health', { signal, headers: token ? { Authorization: `Bearer ${token}` } : {} })
  const body = (await response.clone().json().catch(() => null)) as { data?: Schemas['Health'] } | null
  if (body?.data?.checks) return body.data
  return data<Schemas['Health']>(api.GET('/api/v1/health', { signal }))
}

/** How the control plane is, as it says itself; told again every few seconds while somebody looks. */
export function useHealth() {
  const client = useQueryClient()
  const query = useQuery({ queryKey: keys.health, queryFn: ({ signal }) => read(signal) })
  useTopic<Schemas['Health']>(() => 'system', ({ data: health }) => client.setQueryData(keys.health, health))
  return query
}
