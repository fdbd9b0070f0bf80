import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { usePeopleNames } from '@/app/people'
import { text } from '@/locales/en/deciding/routing'
import { patterns } from './rules'

/** What can be named in rules: actions with their titles, people with their names. */
export function useChoices() {
  const query = useQuery({ queryKey: keys.actions, queryFn: () => data<Schemas['ActionSpec'][]>(api.GET('/api/v1/actions')), staleTime: Infinity })
  const titles = computed(() => new Map((query.data.value ?? []).map(({ name, title }) => [name, title])))
  const titleOf = (pattern: string): string => {
    if (pattern === '*') return text.all
    const title = titles.value.get(pattern)
    return title ? `${title} (${pattern})` : pattern.endsWith('.*') ? text.family(pattern) : pattern
  }
  const actions = computed(() => patterns([...titles.value.keys()]).map((value) => ({ value, label: titleOf(value) })))
  const losing = computed(() => patterns((query.data.value ?? []).filter(({ effect }) => effect === 'destroy').map(({ name }) => name)).map((value) => ({ value, label: titleOf(value) })))
  const { people } = usePeopleNames()
  const persons = computed(() => people.value.map(({ id, name }) => ({ value: id, label: name })))
  return { actions, losing, persons, titleOf }
}
