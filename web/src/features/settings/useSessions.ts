import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { asProblem } from '@/api/problem'
import { text } from '@/locales/en/settings'
import { note } from '@/ui/notice/notices'

type Session = Schemas['Session']

/** One's own sessions, this one first, and their ending: gone at once, back where the control plane refuses. */
export function useSessions() {
  const client = useQueryClient()
  const query = useQuery({ queryKey: keys.sessions, queryFn: () => data<Session[]>(api.GET('/api/v1/sessions')) })
  const sessions = computed(() =>
    (query.data.value ?? []).toSorted((a, b) => Number(b.current) - Number(a.current) || Date.parse(b.lastUsedAt) - Date.parse(a.lastUsedAt)),
  )
  const others = computed(() => sessions.value.filter(({ current }) => !current))
  const ending = useMutation({
    meta: { shown: true },
    mutationFn: async (doomed: Session[]) => {
      // All the others are one request; that one ends those, too, which are not on this list.
      if (doomed.length > 1 && doomed.length === others.value.length) return void (await data(api.DELETE('/api/v1/sessions')))
      const refused: unknown[] = []
      // One after the other: many at once would be slowed down as an attack.
      for (const { id } of doomed) {
        await data(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } })).catch((error: unknown) => {
          // Ended elsewhere meanwhile: as wanted.
          if (asProblem(error).status !== 404) refused.push(error)
        })
      }
      if (refused.length) throw refused.length === doomed.length ? refused[0] : new Error(text.sessions.halted(refused.length))
    },
    onMutate: async (doomed) => {
      await client.cancelQueries({ queryKey: keys.sessions })
      const before = client.getQueryData<Session[]>(keys.sessions)
      const gone = new Set(doomed.map(({ id }) => id))
      client.setQueryData<Session[]>(keys.sessions, (all) => all?.filter(({ id }) => !gone.has(id)))
      return before
    },
    onSuccess: (_answer, doomed) => note({ tone: 'good', title: text.sessions.ended(doomed.length) }),
    onError: (error, _doomed, before) => {
      client.setQueryData(keys.sessions, before)
      const problem = asProblem(error)
      note({ tone: 'bad', title: problem.message, fix: problem.fix || undefined })
    },
    onSettled: () => void client.invalidateQueries({ queryKey: keys.sessions }),
  })
  return { query, sessions, others, ending }
}
