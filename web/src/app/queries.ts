import { MutationCache, QueryCache, QueryClient } from '@tanstack/vue-query'
import { asProblem } from '@/api/problem'
import { access } from '@/api/session'
import { noteFailure } from '@/app/failure'

/** Events keep the cache fresh; a reading older than this is repeated when its page is opened, in case one was missed. */
const STALE_MS = 15_000
/** Pages one has left stay in memory, so that going back is instant. */
const KEPT_MS = 15 * 60_000
/** A read that meets nobody is repeated until somebody answers, at this pace at the most. */
const MAX_DELAY_MS = 10_000

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_MS,
      gcTime: KEPT_MS,
      networkMode: 'always',
      retry: (_, error) => asProblem(error).isPassing,
      retryDelay: (tries, error) => asProblem(error).retryAfterMs ?? Math.min(500 * 2 ** tries, MAX_DELAY_MS),
    },
    mutations: { networkMode: 'always', retry: false },
  },
  queryCache: new QueryCache({
    onError: (error) => {
      if (asProblem(error).status === 401) access.signedOut()
    },
  }),
  mutationCache: new MutationCache({
    // Whoever shows the failure itself says so: `meta: { shown: true }`.
    onError: (error, _variables, _context, mutation) => {
      if (!mutation.meta?.shown) noteFailure(error)
    },
  }),
})
