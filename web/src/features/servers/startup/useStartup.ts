import { computed, nextTick, reactive, ref, watch } from 'vue'
import type { Schemas } from '@/api/client'
import { asProblem } from '@/api/problem'
import { failure, type Failure } from '@/app/failure'
import { findingsOf } from '@/app/forms/refusal'
import { readAlt } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'
import { useServerPage } from '../one/page'
import { changeServer } from '../serverActs'
import { fromStart, startChanges, toStart, variableOf } from './changes'

/** Edits of how a server starts. They outlive what events tell of the server meanwhile. */
export function useStartup(server: () => Schemas['Server'], alt: () => Schemas['AltWithDocument'] | undefined) {
  const { ask } = useServerPage()
  const fresh = () => ({ ...toStart(server().settings), version: String(server().altVersion) })
  const form = reactive(fresh())
  /** The server that the edits were begun on. */
  const base = ref(server())
  const refused = ref<Partial<Record<string, string>>>({})
  const failed = ref<Failure | null>(null)
  const asking = ref(false)
  const document = computed(() => (alt() ? readAlt(alt()!.document) : undefined))
  const after = computed<Schemas['ServerSettings']>(() => ({ ...base.value.settings, ...(document.value ? fromStart(form, document.value) : {}) }))
  const lines = computed(() => {
    if (!document.value) return []
    const moved = form.version === String(base.value.altVersion) ? [] : [`${text.startup.version}: ${form.version}`]
    return [...moved, ...startChanges({ ...base.value.settings, ...fromStart(toStart(base.value.settings), document.value) }, after.value, document.value)]
  })
  const discard = (): void => {
    base.value = server()
    Object.assign(form, fresh())
    refused.value = {}
    failed.value = null
  }
  // Without edits, what others change is shown at once.
  watch(server, () => lines.value.length === 0 && discard())
  const moved = computed(() => lines.value.length > 0 && server().generation !== base.value.generation)
  watch(form, () => (refused.value = {}), { deep: true })

  async function review(): Promise<void> {
    if (asking.value || lines.value.length === 0) return
    failed.value = null
    const version = form.version === String(base.value.altVersion) ? {} : { altVersion: Number(form.version) }
    const act = changeServer(base.value, { settings: after.value, ...version }, lines.value, () => (base.value = { ...base.value, settings: after.value, altVersion: Number(form.version) }))
    asking.value = true
    try {
      const told = await act.plan()
      ask({ ...act, plan: () => Promise.resolve(told) })
    } catch (error) {
      const found = findingsOf(asProblem(error)).map(({ field, words }) => ({ name: field && (variableOf(field) ?? field.replace(/^settings\./, '')), words }))
      const shows = (name: string): boolean => document.value?.variables.some(({ env }) => env === name) || name in form || name === 'altVersion'
      const beside = found.flatMap(({ name, words }) => (name && shows(name) ? [[name, words]] : []))
      refused.value = Object.fromEntries(beside)
      if (beside.length < found.length) failed.value = failure(error)
      await nextTick()
      window.document.querySelector<HTMLElement>('form [aria-invalid=true]')?.focus()
    } finally {
      asking.value = false
    }
  }
  return { form, document, lines, refused, failed, asking, moved, review, discard }
}
