import { asWords, useKept } from '@/ui/write/kept'

/** So many are remembered; half of them are shown. */
const MAX_RECENT = 12

/** Ids of entries used lately, newest first: ids alone, no names of anything. */
export const recent = useKept<string[]>('recent', [], asWords)

export function remember(id: string): void {
  recent.value = [id, ...recent.value.filter((other) => other !== id)].slice(0, MAX_RECENT)
}
