import { computed, inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Document } from '../../templateActs'
import type { Finding } from '../useAltCheck'
import { listAt, valueAt, withAdded, withMoved, withoutOne, withValue } from './tree'

export interface AltForm {
  disabled: Ref<boolean>
  /** A text at a place; empty where there is none. */
  text: (place: string) => string
  flag: (place: string) => boolean
  value: (place: string) => unknown
  list: (place: string) => unknown[]
  words: (place: string) => string[]
  set: (place: string, value: unknown) => void
  add: (place: string, value: unknown) => void
  remove: (place: string, at: number, keep?: boolean) => void
  move: (place: string, at: number, by: number) => void
  /** What is wrong at exactly this place; with `below`, also with what is in it. */
  error: (place: string, below?: boolean) => string | null
  /** How many findings are in a part. */
  count: (place: string) => number
}

const KEY: InjectionKey<AltForm> = Symbol('alt-form')

export const isBelow = (place: string, above: string): boolean => place.startsWith(above) && /^[.[]/.test(place.slice(above.length))

/** The form of a template: it writes into the document, and says at each field what the control plane found there. */
export function provideAltForm(document: Ref<Document>, findings: Ref<readonly Finding[]>, disabled: Ref<boolean>): AltForm {
  const change = (next: Document): void => {
    if (!disabled.value) document.value = next
  }
  const byPlace = computed(() => findings.value.filter(({ place }) => place !== ''))
  const form: AltForm = {
    disabled,
    text: (place) => {
      const found = valueAt(document.value, place)
      return typeof found === 'string' ? found : typeof found === 'number' || typeof found === 'boolean' ? String(found) : ''
    },
    flag: (place) => valueAt(document.value, place) === true,
    value: (place) => valueAt(document.value, place),
    list: (place) => listAt(document.value, place),
    words: (place) => listAt(document.value, place).filter((one): one is string => typeof one === 'string'),
    set: (place, value) => change(withValue(document.value, place, value)),
    add: (place, value) => change(withAdded(document.value, place, value)),
    remove: (place, at, keep = false) => change(withoutOne(document.value, place, at, keep)),
    move: (place, at, by) => change(withMoved(document.value, place, at, by)),
    error: (place, below = false) => {
      const found = byPlace.value.filter((one) => one.place === place || (below && isBelow(one.place, place)))
      return found.length ? found.map(({ message }) => message).join(' ') : null
    },
    count: (place) => byPlace.value.filter((one) => one.place === place || isBelow(one.place, place)).length,
  }
  provide(KEY, form)
  return form
}

export function useAltForm(): AltForm {
  const form = inject(KEY)
  if (!form) throw new Error('a field of a template stands outside of its form')
  return form
}

/** The field that is nearest to a place: its own, else that of what holds it. */
export function fieldNear(within: HTMLElement, place: string): HTMLElement | null {
  const all = [...within.querySelectorAll<HTMLElement>('[data-place]')]
  const near = all.filter(({ dataset }) => dataset.place === place || isBelow(place, dataset.place!) || isBelow(dataset.place!, place))
  const exact = near.find(({ dataset }) => dataset.place === place)
  const above = near.filter(({ dataset }) => isBelow(place, dataset.place!)).sort((a, b) => b.dataset.place!.length - a.dataset.place!.length)[0]
  return exact ?? above ?? near[0] ?? null
}
