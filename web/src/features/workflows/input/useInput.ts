import { computed, reactive, ref } from 'vue'
import { text } from '@/locales/en/workflows'
import { fieldsOf, inputFrom, objectFrom, typedOf, type Inputs } from './inputs'

type Fields = Record<string, unknown>
const show = (value: Fields): string => JSON.stringify(value, null, 2)

/** An input while it is written: as a form where its schema has simple fields, as JSON always. `given`: what it begins with. */
export function useInput(inputs: Inputs, given: Fields | null) {
  const schema = inputs === 'unread' ? null : inputs.schema
  const { fields, rest } = fieldsOf(schema ?? {})
  const begin = typedOf(fields, given)
  /** What no field shows. */
  const base = ref<Fields>(given ?? {})
  const typed = reactive(begin)
  const json = ref(show(given ?? inputFrom(fields, begin, {}).value))
  const hasForm = fields.length > 0
  const mode = ref<'form' | 'json'>(hasForm ? 'form' : 'json')
  const read = computed(() => (mode.value === 'form' ? inputFrom(fields, typed, base.value) : null))
  const object = computed(() => objectFrom(json.value))

  /** The input; null while it is none. */
  const value = computed<Fields | null>(() => {
    if (read.value) return Object.keys(read.value.wrong).length ? null : read.value.value
    return 'value' in object.value ? object.value.value : null
  })
  const jsonError = computed(() => ('wrong' in object.value ? text.input[object.value.wrong] : null))
  const errorOf = (name: string): string | null => {
    const wrong = read.value?.wrong[name]
    return wrong ? text.input[wrong] : null
  }

  /** What was written one way is there the other way too; JSON that is none stays where it can be mended. */
  const chosen = computed({
    get: () => mode.value,
    set: (next) => {
      if (next === mode.value) return
      if (next === 'json') json.value = show(inputFrom(fields, typed, base.value).value)
      else if ('value' in object.value) {
        base.value = object.value.value
        Object.assign(typed, typedOf(fields, object.value.value))
      } else return
      mode.value = next
    },
  })
  const isNone = inputs !== 'unread' && inputs.schema === null
  return { fields, rest, typed, json, mode: chosen, hasForm, isNone, isUnread: inputs === 'unread', value, jsonError, errorOf }
}
export type InputDraft = ReturnType<typeof useInput>
