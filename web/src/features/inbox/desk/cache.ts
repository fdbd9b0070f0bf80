import { api, data, page, type Page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { queryClient } from '@/app/queries'
import { renewed, topped, without, type Card, type Pages } from './stack'

/** Cards read at once. */
export const PAGE = 100
const LISTS = [...keys.inbox, 'list']

export const readCards = (kind: string, after: string | undefined, signal?: AbortSignal): Promise<Page<Card>> =>
  page<Card>(api.GET('/api/v1/inbox', { params: { query: { limit: PAGE, ...(kind ? { kind } : {}), ...(after ? { after } : {}) } }, signal }))

export const readCard = (id: string, signal?: AbortSignal): Promise<Schemas['InboxDetails']> =>
  data<Schemas['InboxDetails']>(api.GET('/api/v1/inbox/{id}', { params: { path: { id } }, signal }))

const change = (how: (pages: Pages) => Pages): void => void queryClient.setQueriesData<Pages>({ queryKey: LISTS }, (pages) => pages && how(pages))

export const drop = (id: string): void => change((pages) => without(pages, id))

/** Looks at the top of every list that was read; all behind it stays as it is. */
export async function freshen(): Promise<void> {
  const lists = queryClient.getQueryCache().findAll({ queryKey: LISTS })
  await Promise.all(
    lists.map(async ({ queryKey, state }) => {
      if (!state.data) return
      const first = await readCards(String(queryKey[2]), undefined).catch(() => null)
      if (first) queryClient.setQueryData<Pages>(queryKey, (pages) => pages && topped(pages, first))
    }),
  )
}

/** Looks at one card again: it stays with what it is now, or goes. Answers whether it can still be decided. */
export async function look(id: string): Promise<boolean> {
  try {
    const details = await readCard(id)
    queryClient.setQueryData(keys.inboxCard(id), details)
    const state = details.approval?.state
    const isThere = state ? state === 'open' || state === 'escalated' : !details.aside
    if (isThere) change((pages) => renewed(pages, details.card))
    else drop(id)
    return isThere
  } catch {
    // Nobody answers: what is shown is the last that is known.
    return true
  }
}

export const recount = (): void => void queryClient.invalidateQueries({ queryKey: keys.inboxCount })
