import type { Schemas } from '@/api/client'

type Release = Schemas['Release']

/** Two releases in an address: `3..5`, the older one first; null where it names no two. */
export function readPair(text: string): [number, number] | null {
  const found = /^(\d{1,9})\.\.(\d{1,9})$/.exec(text)
  if (!found) return null
  const [a, b] = [Number(found[1]), Number(found[2])]
  return a === b || a < 1 || b < 1 ? null : a < b ? [a, b] : [b, a]
}

/** Picks a release for comparison, or lets it go; of three the one picked first goes. */
export function pick(picked: readonly number[], number: number): number[] {
  return picked.includes(number) ? picked.filter((other) => other !== number) : [...picked, number].slice(-2)
}

/** The time of each step of two releases, in the order in which they happen. */
export function stepsOf(a: Release, b: Release): { step: string; a: number | null; b: number | null }[] {
  const names = [...new Set([...a.timings, ...b.timings].map(({ step }) => step))]
  const of = (release: Release, name: string): number | null => release.timings.find(({ step }) => step === name)?.tookMs ?? null
  return names.map((step) => ({ step, a: of(a, step), b: of(b, step) }))
}
