import { computed } from 'vue'
import { api, page, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { useListing, useUrlValue } from '@/app/listing'

export type Person = Schemas['Person']
const PAGE = 100
const STATES = ['', 'active', 'suspended'] as const
export type StateFilter = (typeof STATES)[number]

/** The people of the team with the filters in the URL. */
export function usePeople() {
  const q = useUrlValue('q')
  const asked = useUrlValue<string>('state')
  // A link may ask for a state there is not.
  const state = computed<StateFilter>({
    get: () => STATES.find((one) => one === asked.value) ?? '',
    set: (value) => (asked.value = value),
  })
  const filter = computed(() => ({ q: q.value || undefined, state: state.value || undefined }))
  const listing = useListing<Person>(
    () => keys.peopleList(filter.value),
    (after, signal) => page(api.GET('/api/v1/users', { params: { query: { ...filter.value, limit: PAGE, after } }, signal })),
  )
  return { q, state, ...listing }
}
