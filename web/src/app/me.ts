import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Where a thing stands: the ids of itself and of what it is inside of. */
export interface Place {
  app?: string
  node?: string
  project?: string
  server?: string
}

const isInside = (place: Place, { kind, id }: Schemas['Object']): boolean => !!id && place[kind as keyof Place] === id

/** Where an app stands. */
export const placeOf = (app: Pick<Schemas['App'], 'id' | 'nodeId' | 'projectId'>): Place => ({ app: app.id, node: app.nodeId, project: app.projectId })

/** Who is signed in, and what they may do. */
export function useMe() {
  const query = useQuery({
    queryKey: keys.me,
    queryFn: () => data<Schemas['Me']>(api.GET('/api/v1/auth/me')),
    staleTime: Infinity,
  })
  const me = computed(() => query.data.value ?? null)
  /**
   * Whether a right is had in the whole team, or at one of the things that hold `place`; before it is known nothing is
   * held back, since the control plane decides anyway.
   */
  const may = (permission: string, place?: Place): boolean =>
    me.value === null ||
    me.value.permissions.includes(permission) ||
    (!!place && me.value.grants.some(({ object, permissions }) => permissions.includes(permission) && isInside(place, object)))
  /** Whether a right is had at anything at all: what there is to see is narrowed by the control plane. */
  const maySomewhere = (permission: string): boolean => may(permission) || !!me.value?.grants.some(({ permissions }) => permissions.includes(permission))
  return { query, me, may, maySomewhere }
}
