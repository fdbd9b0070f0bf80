import { computed, inject, provide, ref, shallowRef, watch, type InjectionKey, type Ref } from 'vue'
import type { Schemas } from '@/api/client'
import { changes, layOver } from './changes'
import { fromForm, toForm, type Settings, type SettingsForm } from './form'

/**
 * The edits of an app's settings that are not saved yet: one draft for the environment and the settings page. What others
 * save meanwhile is taken in below one's own edits.
 */
export function useDraft(app: Ref<Schemas['App'] | undefined>) {
  const form = ref<SettingsForm | null>(null)
  const base = shallowRef<Settings | null>(null)
  /** Somebody else saved while this was edited. */
  const moved = ref(false)
  const read = computed(() => (form.value ? fromForm(form.value) : null))
  const found = computed(() => {
    const edited = read.value
    return edited && base.value ? changes(base.value, edited.settings) : []
  })
  const broken = computed(() => Object.keys(read.value?.refused ?? {}).length)
  const isTouched = computed(() => found.value.length > 0 || broken.value > 0)

  function begin(settings: Settings): void {
    base.value = fromForm(toForm(settings)).settings
    form.value = toForm(settings)
    moved.value = false
  }
  watch(
    () => app.value && ([app.value.id, JSON.stringify(app.value.settings)] as const),
    (now, before) => {
      if (!now || !app.value) return
      const { settings } = app.value
      if (!form.value || !base.value || now[0] !== before?.[0] || !isTouched.value) return begin(settings)
      const theirs = fromForm(toForm(settings)).settings
      if (JSON.stringify(theirs) === JSON.stringify(base.value)) return
      form.value = layOver(toForm(base.value), form.value, toForm(settings))
      base.value = theirs
      moved.value = isTouched.value
    },
    { immediate: true },
  )
  const discard = (): void => {
    if (app.value) begin(app.value.settings)
  }
  return { form, base, read, changes: found, broken, isTouched, moved, discard, begin }
}
export type Draft = ReturnType<typeof useDraft>

const KEY: InjectionKey<Draft> = Symbol('draft')
/** Hands the draft of the app page to its tabs. */
export const provideDraft = (draft: Draft): void => provide(KEY, draft)
/** The draft of the app page. */
export function useAppDraft(): Draft {
  const draft = inject(KEY)
  if (!draft) throw new Error('An app page provides its draft.')
  return draft
}
