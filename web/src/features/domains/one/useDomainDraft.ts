import { computed, ref, watch, type Ref } from 'vue'
import type { Domain } from '@/app/domains/domain'
import { changes } from '../form/changes'
import { fromForm, toForm, type DomainForm, type DomainSettings } from '../form/form'

/** What is known of an app. */
type Known = { name: string; nodeId: string }

/** The edits of a domain's settings that are not applied yet. What others change meanwhile does not take them away. */
export function useDomainDraft(domain: Ref<Domain>, known: Ref<ReadonlyMap<string, Known>>) {
  const begun = ({ domain: name, appId, settings }: Domain): DomainForm => toForm(name, appId, settings)
  const form = ref(begun(domain.value))
  /** Somebody else changed it while this was edited. */
  const moved = ref(false)
  const read = computed(() => fromForm(form.value, (app) => known.value.get(app)?.nodeId))
  /** As it is by now; edits are told against it. */
  const base = computed(() => fromForm(begun(domain.value)).settings)
  const differences = (from: DomainSettings): string[] => changes(from, read.value.settings, (app) => known.value.get(app)?.name)
  const changed = computed(() => differences(base.value))
  const broken = computed(() => Object.keys(read.value.refused).length)
  const isTouched = computed(() => changed.value.length > 0 || broken.value > 0)
  function discard(): void {
    form.value = begun(domain.value)
    moved.value = false
  }
  watch(base, (now, before) => {
    if (JSON.stringify(now) === JSON.stringify(before)) return
    const isMine = broken.value > 0 || differences(before).length > 0
    // What was applied comes back as it was typed.
    if (isMine && isTouched.value) moved.value = true
    else discard()
  })
  return { form, read, changed, broken, isTouched, moved, discard }
}
