import { useMutation, useQueryClient, type QueryKey } from '@tanstack/vue-query'
import { api, data, type Page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'

type Kept = Page<Schemas['Approval']> | undefined

/** A person's word on a waiting run. The card goes at once; where the control plane refuses it comes back, and the reason is noted. */
export function useDecision() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ approval, verdict, comment }: { approval: Schemas['Approval']; verdict: 'approve' | 'reject'; comment: string }) => {
      const init = { params: { path: { id: approval.runId } }, body: { hash: approval.hash, comment: comment.trim() || null } }
      const call = verdict === 'approve' ? api.POST('/api/v1/runs/{id}/approve', init) : api.POST('/api/v1/runs/{id}/reject', init)
      return data<Schemas['Run']>(call)
    },
    onMutate: async ({ approval }) => {
      await client.cancelQueries({ queryKey: ['approvals'] })
      const before = client.getQueriesData<Kept>({ queryKey: ['approvals'] })
      client.setQueriesData<Kept>({ queryKey: ['approvals'] }, (kept) =>
        kept?.items ? { ...kept, items: kept.items.filter(({ id }) => id !== approval.id) } : kept,
      )
      return before
    },
    onError: (_error, _asked, before: [QueryKey, Kept][] | undefined) => {
      for (const [key, kept] of before ?? []) client.setQueryData(key, kept)
    },
    onSuccess: (run) => client.setQueryData(keys.run(run.id), run),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ['approvals'] })
      void client.invalidateQueries({ queryKey: [...keys.runs, 'list'] })
    },
  })
}
