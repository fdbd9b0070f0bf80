import { nextTick, ref, shallowRef, type Ref } from 'vue'
import { asProblem } from '@/api/problem'
import { propose, type Act } from '@/app/acting/useAct'
import { failure, type Failure } from '@/app/failure'
import { fieldOf, wordsOf } from '@/app/forms/refusal'

/**
 * From a form to the plan on screen. What is refused stands beside its field, which gets the focus; everything else below. `other`
 * says at which field a refusal stands that names another one.
 */
export function useReview<F extends string>(frame: Readonly<Ref<HTMLElement | null>>, fields: readonly F[], other: Partial<Record<string, F>> = {}) {
  const refused = ref<Partial<Record<string, string>>>({})
  const failed = shallowRef<Failure | null>(null)
  const asking = ref(false)
  function clear(): void {
    refused.value = {}
    failed.value = null
  }
  async function refuse(why: Partial<Record<F, string>>): Promise<void> {
    refused.value = why
    await nextTick()
    frame.value?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }
  /** `shown`: the plan is on screen, the form can go. */
  async function review(act: Act, shown: () => void): Promise<void> {
    if (asking.value) return
    clear()
    asking.value = true
    try {
      const told = await act.plan()
      shown()
      propose({ ...act, plan: () => Promise.resolve(told) })
    } catch (error) {
      const named = fieldOf(asProblem(error))
      const field = fields.find((one) => one === named) ?? other[named ?? '']
      if (field) await refuse({ [field]: wordsOf(asProblem(error)) } as Partial<Record<F, string>>)
      else failed.value = failure(error)
    } finally {
      asking.value = false
    }
  }
  return { refused, failed, asking, clear, refuse, review }
}
