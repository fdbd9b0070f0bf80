import { asFields, useKept } from '../write/kept'

interface LogSettings {
  /** Long lines go on in the next row. */
  wrap: boolean
  /** The time stands before each line. */
  times: boolean
}

/** How this browser shows logs: remembered. */
export const useLogSettings = () =>
  useKept<LogSettings>('log', { wrap: true, times: false }, (found) => {
    const { wrap, times } = asFields(found)
    return { wrap: wrap !== false, times: times === true }
  })
