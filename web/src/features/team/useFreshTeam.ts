import { useQueryClient } from '@tanstack/vue-query'
import { keys } from '@/api/keys'
import { useTopic } from '@/api/socket'

/** People, roles and invitations follow what the control plane tells, while somebody looks. */
export function useFreshTeam(): void {
  const client = useQueryClient()
  useTopic(
    () => 'people',
    () => {
      for (const queryKey of [keys.people, keys.roles, keys.invitations, keys.me]) void client.invalidateQueries({ queryKey })
    },
  )
}
