import { useQuery } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { propose } from '@/app/acting/useAct'
import { useUrlValue } from '@/app/listing'
import { text } from '@/locales/en/deciding/routing'
import { draftOf, isSame, rulesOf, type Draft, type Rules } from './rules'

/** Moving a gate is many changes; what they would have meant is asked for when the hand rests. */
const REST_MS = 350

/** The rules of a place and a draft of them. */
export function useRules() {
  const project = useUrlValue('project')
  const query = useQuery({
    queryKey: computed(() => keys.rules(project.value)),
    queryFn: ({ signal }) => data<Schemas['RoutingRules']>(api.GET('/api/v1/routing-rules', { params: { query: project.value ? { project: project.value } : {} }, signal })),
  })
  const place = computed(() => query.data.value ?? null)
  const before = computed(() => (place.value?.rules ?? {}) as Rules)
  const installed = computed(() => (place.value?.installed ?? {}) as Rules)
  const draft = ref<Draft>(draftOf({}))
  /** The version the draft was begun from. */
  const from = ref<number | null>(null)

  function begin(): void {
    draft.value = draftOf(before.value)
    from.value = place.value?.version ?? 0
  }
  const changed = computed(() => from.value !== null && !isSame(rulesOf(draft.value), before.value))
  watch(project, () => (from.value = null))
  watch(place, (now) => {
    if (now && (from.value === null || !changed.value)) begin()
  }, { immediate: true })
  /** Somebody else was faster; the draft is of what was before. */
  const isMoved = computed(() => changed.value && place.value !== null && from.value !== place.value.version)

  const change = computed(() => ({ project: project.value || null, from: from.value ?? 0, rules: rulesOf(draft.value) }))
  const rested = refDebounced(change, REST_MS)

  function review(): void {
    const body = { ...change.value, rules: change.value.rules as Record<string, undefined> }
    const call = (dryRun?: true) => api.PUT('/api/v1/routing-rules', { params: { query: dryRun ? { dryRun } : undefined }, body })
    propose({
      title: text.save,
      plan: () => plan(call(true)),
      perform: () => data(call()),
      touches: [keys.rules(project.value)],
      // What is there now is what was drafted; a version that is not known yet is read with it.
      done: () => (from.value = null),
    })
  }
  return { project, query, place, installed, draft, changed, isMoved, begin, rested, review }
}
