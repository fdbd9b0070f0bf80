import { TriangleAlert } from '@lucide/vue'
import { computed, type Ref } from 'vue'
import { text } from '@/locales/en/workflow/canvas'
import type { Marks } from '../canvas/marks'
import { byStep, located, type Problem } from '../document/place'
import type { Source } from '../document/source'

/** What the check says, by step and field; steps with problems are marked. */
export function useProblems(source: Ref<Source | null>, problems: () => readonly Problem[]) {
  const found = computed(() => located(source.value, problems()))
  const steps = computed(() => byStep(found.value))
  const marks = computed<Marks>(() => new Map([...steps.value].map(([key, all]) => [key, { tone: 'bad' as const, icon: TriangleAlert, label: text.problems(all.length) }])))
  return { found, byStep: steps, marks }
}
