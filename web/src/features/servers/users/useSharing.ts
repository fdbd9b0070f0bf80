import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, page, type Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { keys } from '@/api/keys'
import { useMe } from '@/app/me'
import { placeOfServer } from '@/app/panel/servers'
import { accessOf, accessOfPeople, invitationsTo, personOf, type Somebody } from './access'

/** People and invitations of one request, as many as the API gives. */
const MOST = 200

/** Who has what at one server, who is invited to it, and who somebody is by their address. */
export function useSharing(server: () => Schemas['Server']) {
  const { may } = useMe()
  const mayGive = computed(() => may('admin:roles', placeOfServer(server())))
  const maySee = computed(() => may('user:view'))
  const mayInvite = computed(() => may('user:create'))

  // Whoever may give rights here is told who has some, also where they see nobody else of the team.
  const own = useQuery({
    queryKey: computed(() => keys.peopleList({ server: server().id })),
    queryFn: ({ signal }) => data<Schemas['ServerPerson'][]>(api.GET('/api/v1/servers/{id}/users', { params: { path: { id: server().id } }, signal })),
    enabled: mayGive,
  })
  const team = useQuery({
    queryKey: keys.peopleList({ withRights: true }),
    queryFn: ({ signal }) => page<Schemas['Person']>(api.GET('/api/v1/users', { params: { query: { limit: MOST } }, signal })),
    enabled: maySee,
  })
  const invitations = useQuery({
    queryKey: [...keys.invitations, 'of-servers'],
    queryFn: ({ signal }) => page<Schemas['Invitation']>(api.GET('/api/v1/invitations', { params: { query: { limit: MOST } }, signal })),
    enabled: maySee,
  })
  const people = computed(() => team.data.value?.items ?? [])
  const rows = computed(() => (mayGive.value ? accessOfPeople(own.data.value ?? []) : accessOf(people.value, server().id)))
  const invited = computed(() => invitationsTo(invitations.data.value?.items ?? [], server().id))
  const query = computed(() => (mayGive.value ? own : team))
  /** Those that may be suggested. */
  const known = computed<readonly (Somebody & { state?: string })[]>(() => (maySee.value ? people.value : (own.data.value ?? [])))

  /** Who of the team has this address; null where nobody has, or one may not know. */
  async function find(typed: string): Promise<Somebody | null> {
    const here = personOf(known.value, typed) ?? personOf(own.data.value ?? [], typed)
    if (here || !maySee.value) return here ?? null
    try {
      const { items } = await page<Schemas['Person']>(api.GET('/api/v1/users', { params: { query: { q: typed.trim(), limit: MOST } } }))
      return personOf(items, typed) ?? null
    } catch (error) {
      // Whether somebody has an account is told by the letter alone then.
      if (asProblem(error).status === 403) return null
      throw error
    }
  }
  return { mayGive, mayInvite, query, rows, invited, known, find }
}
export type Sharing = ReturnType<typeof useSharing>
