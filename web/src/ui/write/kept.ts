import { useLocalStorage, type RemovableRef } from '@vueuse/core'

/**
 * Something this browser remembers under a name. What is found there may be anything: `take` makes the value of what was
 * parsed, or answers null, and then the fallback counts.
 */
export function useKept<T>(name: string, fallback: T, take: (found: unknown) => T | null): RemovableRef<T> {
  return useLocalStorage<T>(`serverflow.${name}`, fallback, {
    writeDefaults: false,
    serializer: {
      read: (raw) => {
        try {
          return take(JSON.parse(raw)) ?? fallback
        } catch {
          return fallback
        }
      },
      write: (value) => JSON.stringify(value),
    },
  })
}

/** The words in a list that was found; null where it is no list. */
export const asWords = (found: unknown): string[] | null => (Array.isArray(found) ? found.filter((one) => typeof one === 'string') : null)

/** The fields of what was found; none where it is no object. */
export const asFields = (found: unknown): Record<string, unknown> => (typeof found === 'object' && found !== null ? { ...found } : {})
