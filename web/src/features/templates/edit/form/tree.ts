import { stepsOf } from '../place'

type Step = string | number
type Bag = Record<string, unknown>

const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is at a place of a document; undefined where nothing is. */
export function valueAt(document: unknown, place: string): unknown {
  return stepsOf(place).reduce<unknown>((at, step) => (Array.isArray(at) ? at[step as number] : isBag(at) && Object.hasOwn(at, step) ? at[step] : undefined), document)
}

function changed(at: unknown, [step, ...rest]: Step[], value: unknown): unknown {
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list = Array.isArray(at) ? [...(at as unknown[])] : []
    list[step] = changed(list[step], rest, value)
    return list
  }
  const bag: Bag = isBag(at) ? { ...at } : {}
  const next = changed(Object.hasOwn(bag, step) ? bag[step] : undefined, rest, value)
  if (next === undefined) delete bag[step]
  // Whatever it is called, it is a field and no ancestor of the object.
  else Object.defineProperty(bag, step, { value: next, writable: true, enumerable: true, configurable: true })
  return bag
}

/** The same document with another value at a place; `undefined` takes a field out. Nothing that was given is changed. */
export const withValue = (document: Bag, place: string, value: unknown): Bag => changed(document, stepsOf(place), value) as Bag

export const listAt = (document: unknown, place: string): unknown[] => {
  const found = valueAt(document, place)
  return Array.isArray(found) ? found : []
}

/** With one more at the end of a list. */
export const withAdded = (document: Bag, place: string, value: unknown): Bag => withValue(document, place, [...listAt(document, place), value])

/** Without one of a list; a list that nothing is left in goes where `keep` does not hold. */
export function withoutOne(document: Bag, place: string, at: number, keep: boolean): Bag {
  const rest = listAt(document, place).filter((_, index) => index !== at)
  return withValue(document, place, rest.length || keep ? rest : undefined)
}

/** With one of a list moved by so many places, as far as the list goes. */
export function withMoved(document: Bag, place: string, at: number, by: number): Bag {
  const list = [...listAt(document, place)]
  const to = Math.min(Math.max(at + by, 0), list.length - 1)
  const [one] = list.splice(at, 1)
  list.splice(to, 0, one)
  return withValue(document, place, list)
}
