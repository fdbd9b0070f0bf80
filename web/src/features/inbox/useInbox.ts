import { useQuery } from '@tanstack/vue-query'
import { computed, ref, watch } from 'vue'
import { useRoute } from 'vue-router'
import type { Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { asProblem } from '@/api/problem'
import { useTopic, type PlaneEvent } from '@/api/socket'
import { useListing, useUrlValue } from '@/app/listing'
import { queryClient } from '@/app/queries'
import { freshen, readCard, readCards } from './desk/cache'
import { cameBack, heard, offStack } from './desk/desk'
import type { Card } from './desk/stack'

/** Many events in a moment cause one look. */
const GATHER_MS = 250

/** The stack, the card that is looked at, and what is known of it. */
export function useInbox() {
  const route = useRoute()
  const kind = useUrlValue('kind')
  const list = useListing<Card>(
    () => keys.inboxList(kind.value),
    (after, signal) => readCards(kind.value, after, signal),
  )
  const cards = computed(() => {
    const seen = new Set<string>()
    // One that is broken and asked about is one card.
    return list.items.value.filter(({ id }) => !offStack.value.has(id) && !seen.has(id) && seen.add(id))
  })

  /** The id of the card that is looked at; null: the first one. */
  const wanted = ref<string | null>(String(route.params.id ?? '') || null)
  const place = ref(0)
  const isListed = computed(() => !wanted.value || cards.value.some(({ id }) => id === wanted.value))
  const at = computed(() => {
    const found = cards.value.findIndex(({ id }) => id === wanted.value)
    return found >= 0 ? found : Math.min(place.value, Math.max(0, cards.value.length - 1))
  })
  watch(at, (now) => (place.value = now))
  // A link may lead to a card that is not in this list: decided, put aside, or somebody else's to decide.
  const linked = ref(wanted.value)
  const chosenId = computed(() => {
    if (wanted.value && (isListed.value || (wanted.value === linked.value && !offStack.value.has(wanted.value)))) return wanted.value
    return cards.value[at.value]?.id ?? null
  })

  const details = useQuery({
    queryKey: computed(() => keys.inboxCard(chosenId.value ?? '')),
    queryFn: ({ signal }) => readCard(chosenId.value!, signal),
    enabled: computed(() => chosenId.value !== null),
    retry: (_, error) => asProblem(error).isPassing,
  })
  const known = computed<Schemas['InboxDetails'] | null>(() => (details.data.value?.card.id === chosenId.value ? details.data.value : null))
  const chosen = computed<Card | null>(() => cards.value.find(({ id }) => id === chosenId.value) ?? known.value?.card ?? null)
  /** Where a link led to what cannot be decided any more: why. */
  const over = computed(() => {
    if (!chosenId.value || chosenId.value !== linked.value || cards.value.some(({ id }) => id === chosenId.value)) return null
    if (details.isError.value) return 'gone'
    const state = known.value?.approval?.state
    return state && state !== 'open' && state !== 'escalated' ? state : null
  })

  // A link may name the run of a card: it is looked at under its own id from then on.
  watch(details.data, (found) => {
    if (!found || found.card.id === chosenId.value || chosenId.value !== linked.value) return
    queryClient.setQueryData(keys.inboxCard(found.card.id), found)
    linked.value = found.card.id
    choose(found.card.id)
  })

  // The next ones are there before they are looked at.
  watch([chosenId, cards], ([, all]) => {
    for (const next of all.slice(at.value + 1, at.value + 3)) void queryClient.prefetchQuery({ queryKey: keys.inboxCard(next.id), queryFn: ({ signal }) => readCard(next.id, signal) })
  })

  function choose(id: string | null): void {
    wanted.value = id
    const path = id ? `/inbox/${id}` : '/inbox'
    // The address is kept without going anywhere: the page stays as it is, and a reload comes back to this card.
    history.replaceState({ ...history.state, current: path + location.search }, '', path + location.search)
  }
  const step = (by: number): void => {
    const next = cards.value[at.value + by]
    if (next) choose(next.id)
    if (by > 0 && at.value + by >= cards.value.length - 3) list.next()
  }
  watch(
    () => route.params.id,
    (id) => {
      wanted.value = linked.value = String(id ?? '') || null
    },
  )
  // The last decision but one in the address would be a card that is gone.
  watch(chosenId, (id) => {
    if (wanted.value && id !== wanted.value) choose(id)
  })
  watch(cameBack, (back) => {
    const found = back && cards.value.find(({ id, runId }) => id === back.id || (!!back.runId && runId === back.runId))
    if (found) choose(found.id)
  }, { flush: 'post' })

  useTopic<{ id?: string | null; state?: string }>(ref('approvals'), (event) => heard(event.data))
  let gathered: ReturnType<typeof setTimeout> | null = null
  useTopic<{ done?: string | null }>(ref('runs'), ({ data }: PlaneEvent<{ done?: string | null }>) => {
    if (data.done) gathered ??= setTimeout(() => ((gathered = null), void freshen()), GATHER_MS)
  })
  const soon = (): void => {
    gathered ??= setTimeout(() => {
      gathered = null
      void freshen()
      // One that a link led to is in no list.
      if (chosen.value?.kind === 'alert') void queryClient.invalidateQueries({ queryKey: keys.inboxCard(chosen.value.id) })
    }, GATHER_MS)
  }
  useTopic(ref('nodes'), soon)
  // Only a change of this kind makes an alert, or ends one.
  useTopic<{ change?: string }>(ref('apps'), ({ data }) => void (data.change && soon()))

  return { kind, list, cards, at, chosen, chosenId, details: known, over, choose, step }
}
