import type { Broken } from '@/api/proof/signed'
import { proof as text } from '@/locales/en/runs'

/** Why a link of a proof does not hold, for people. */
export function whyBroken(broken: Broken): string {
  if (broken.code === 'otherKey') return text.why.otherKey(broken.found, broken.expected)
  if (broken.code === 'field') return text.why.field(broken.name, broken.found, broken.expected)
  if (broken.code === 'time') return text.why.time(broken.from, broken.until)
  return text.why[broken.code]
}
