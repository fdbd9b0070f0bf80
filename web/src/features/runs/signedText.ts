import { visible } from '@/ui/log/visible'

const HIDDEN = '••••••••'

/** A signed body to be read: in lines, every character visible, the values of an environment hidden. */
export function signedText(body: Record<string, unknown>): { text: string; hides: boolean } {
  let hides = false
  const text = JSON.stringify(
    body,
    (key, value: unknown) => {
      if (key !== 'env' || !Array.isArray(value)) return value
      return value.map((one: unknown) => {
        if (typeof one !== 'object' || one === null || !('value' in one)) return one
        hides = true
        return { ...one, value: HIDDEN }
      })
    },
    2,
  )
  return { text: text.split('\n').map(visible).join('\n'), hides }
}
