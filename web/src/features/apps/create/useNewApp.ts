import { createGlobalState } from '@vueuse/core'
import { computed, reactive, ref, watch } from 'vue'
import type { Schemas } from '@/api/client'
import { access } from '@/api/session'
import { fromForm, toForm, type SettingsForm } from '../settings/form'
import { freeName, nameOf } from './appName'

/** Where was looked. */
interface Looked {
  repository: string
  reference: string
  node: string
  build: string
}

/** The app being made: what is typed stays when one goes to add a node, or back. In memory only, since variables may be secret. */
export const useNewApp = createGlobalState(() => {
  const form = ref<SettingsForm>(toForm({ repository: '' }))
  const nodeId = ref('')
  /** The project that will own it; the team's first where empty. */
  const project = ref('')
  const name = ref('')
  /** The name was typed, and no longer follows the repository. */
  const isNamed = ref(false)
  const found = ref<Schemas['Inspection'] | null>(null)
  const looked = ref<Looked | null>(null)

  /** What an inspection depends on. */
  const subject = computed<Looked>(() => ({
    repository: form.value.repository.trim(),
    reference: form.value.reference.trim(),
    node: nodeId.value,
    build: JSON.stringify([form.value.builder, form.value.root.trim(), form.value.publish.trim()]),
  }))
  /** What was found is about something else than what is typed now. */
  const isStale = computed(() => found.value !== null && JSON.stringify(looked.value) !== JSON.stringify(subject.value))
  const read = computed(() => fromForm(form.value))

  function took(answer: Schemas['Inspection'], about: Looked, taken: ReadonlySet<string>): void {
    const first = looked.value?.repository !== about.repository
    found.value = answer
    looked.value = about
    if (!isNamed.value) name.value = freeName(nameOf(about.repository), taken)
    if (first && answer.plan.traffic) form.value.mode = answer.plan.traffic
  }
  function reset(): void {
    form.value = toForm({ repository: '' })
    nodeId.value = name.value = project.value = ''
    isNamed.value = false
    found.value = looked.value = null
  }
  watch(access.state, (state) => state === 'out' && reset())
  return reactive({ form, nodeId, project, name, isNamed, found, looked, subject, isStale, read, took, reset })
})
