import { useQuery } from '@tanstack/vue-query'
import { computed, onMounted, ref, watch } from 'vue'
import { useRouter } from 'vue-router'
import { api, data, type Schemas } from '@/api/client'
import { access } from '@/api/session'

export type Step = 'you' | 'node' | 'app'

/** Where a person stands on the way in: the server knows, nothing is remembered here. */
export function useWelcome() {
  const router = useRouter()
  const setup = useQuery({
    queryKey: ['setup'],
    queryFn: ({ signal }) => data<Schemas['SetupState']>(api.GET('/api/v1/setup', { signal })),
    staleTime: 0,
  })
  const nodeDone = ref(false)
  const isIn = computed(() => access.state.value === 'in')
  const step = computed<Step | null>(() => {
    if (isIn.value) return nodeDone.value ? 'app' : 'node'
    return setup.data.value?.needed ? 'you' : null
  })
  onMounted(() => void access.token().catch(() => null))
  // There is an administrator, and nobody is signed in here.
  watch(
    [() => setup.data.value?.needed, access.state],
    ([needed, state]) => {
      if (needed === false && state === 'out') void router.replace({ path: '/login', query: { next: '/welcome' } })
    },
    { immediate: true },
  )
  return { setup, step, nodeDone }
}
