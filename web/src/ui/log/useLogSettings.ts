import { useLocalStorage } from '@vueuse/core'

interface LogSettings {
  /** Long lines go on in the next row. */
  wrap: boolean
  /** The time stands before each line. */
  times: boolean
}

/** How this browser shows logs: remembered. */
export const useLogSettings = () =>
  useLocalStorage<LogSettings>('serverflow.log', { wrap: true, times: false }, { mergeDefaults: true })
