import { useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

/** Deploys looked back over for who asked; releases before them say nobody. */
const LOOK_BACK = 200

/** The runs that made an app's releases, by their ids: releases do not say who asked for them. */
export function useDeployers(appId: MaybeRefOrGetter<string>) {
  const filter = computed(() => ({ appId: toValue(appId), action: 'app.deploy', limit: LOOK_BACK }))
  const query = useQuery({
    queryKey: computed(() => keys.runList(filter.value)),
    queryFn: ({ signal }) => page<Schemas['Run']>(api.GET('/api/v1/runs', { params: { query: filter.value }, signal })),
  })
  return computed(() => new Map((query.data.value?.items ?? []).map((run) => [run.id, run])))
}
