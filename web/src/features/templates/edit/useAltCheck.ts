import { useQuery } from '@tanstack/vue-query'
import { refDebounced } from '@vueuse/core'
import { computed, type Ref } from 'vue'
import { panelKeys } from '@/app/panel/keys'
import { asProblem } from '@/api/problem'
import { fieldOf, wordsOf } from '@/app/forms/refusal'
import { text } from '@/locales/en/panel/templates'
import { api, data, type Plan, type Schemas } from '@/api/client'
import { breaksAt, spotIn, type Spot } from './place'
import type { Document } from '../templateActs'

/** Typing is gathered before it is judged. */
const GATHER_MS = 400
/** Each keystroke makes another text; what was judged a while ago is not kept. */
const KEPT_MS = 60_000

export interface Finding {
  /** `variables[2].rules[0]`; empty for the whole. */
  place: string
  message: string
  spot: Spot | null
}
type Defect = Schemas['AltFinding']

const DOCUMENT = /^document\.?/
/** A refusal of a document, with where it is in the text. */
export function findingOf(document: string, error: unknown): Finding | null {
  const problem = asProblem(error)
  const field = fieldOf(problem)
  if (field === null || !DOCUMENT.test(field)) return null
  const place = field.replace(DOCUMENT, '')
  return { place, message: wordsOf(problem), spot: spotIn(document, place) }
}

/** Everything that is wrong with the text of a template, as the control plane says. */
const lintText = async (document: string): Promise<Defect[]> => (await data<Schemas['AltFindings']>(api.POST('/api/v1/alts/lint', { body: { text: document } }))).defects

/**
 * What the control plane says of a template while it is typed: everything that is wrong with it, and, where nothing is, what keeping
 * it would do, by a plan that is never carried out.
 */
export function useAltCheck(typed: Ref<string>, of: () => string, ask: (document: Document) => Promise<Plan>, lint: (document: string) => Promise<Defect[]> = lintText) {
  const gathered = refDebounced(typed, GATHER_MS)
  const parsed = computed<{ document: Document } | { broken: Finding }>(() => {
    try {
      const value: unknown = JSON.parse(gathered.value)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { document: value as Document }
      return { broken: { place: '', message: text.edit.noObject, spot: { line: 1, column: 1 } } }
    } catch {
      return { broken: { place: '', message: text.edit.noJson, spot: breaksAt(gathered.value) } }
    }
  })
  const query = useQuery({
    queryKey: computed(() => panelKeys.altCheck(of(), gathered.value)),
    queryFn: async (): Promise<{ defects: Defect[] } | { plan: Plan }> => {
      if (!('document' in parsed.value)) throw new Error('nothing to judge')
      const { document } = parsed.value
      const defects = await lint(gathered.value)
      return defects.length ? { defects } : { plan: await ask(document) }
    },
    enabled: computed(() => of() !== '' && 'document' in parsed.value),
    staleTime: Infinity,
    gcTime: KEPT_MS,
    retry: (_, error) => asProblem(error).isPassing,
  })
  const isChecking = computed(() => gathered.value !== typed.value || ('document' in parsed.value && query.isFetching.value))
  const findings = computed<Finding[]>(() => {
    if ('broken' in parsed.value) return [parsed.value.broken]
    if (query.error.value) return [findingOf(gathered.value, query.error.value) ?? []].flat()
    const found = query.data.value
    if (!found || !('defects' in found)) return []
    return found.defects.map(({ place, message, fix }) => ({ place, message: [message, fix].filter(Boolean).join(' '), spot: spotIn(gathered.value, place) }))
  })
  /** What was refused and is not about the document: a right, a category that is gone. */
  const failed = computed(() => (query.error.value && findings.value.length === 0 ? query.error.value : null))
  /** Exactly this text may be kept. */
  const isGood = computed(() => !isChecking.value && findings.value.length === 0 && !failed.value && query.isSuccess.value)
  const document = computed(() => ('document' in parsed.value ? parsed.value.document : null))
  const name = computed(() => (typeof document.value?.name === 'string' ? document.value.name : ''))
  return { isChecking, isGood, findings, failed, document, name }
}
