import { fromBase64, fromUtf8 } from './bytes'
import { verifies } from './dsse'
import type { Key } from './key'

/** Signed bytes as the API gives them. */
export interface Signed {
  payload: string
  signature: string
  keyId: string
}

/** Why something does not hold. */
export type Broken =
  | { code: 'base64' | 'tooLarge' | 'noJson' | 'noKey' }
  | { code: 'otherKey'; found: string; expected: string }
  | { code: 'signature'; label: string }
  | { code: 'field'; name: string; found: string; expected: string }
  | { code: 'time'; from: number; until: number; at: number }
  | { code: 'tooLong' }

/** Largest body the protocol knows, bytes. */
const MAX_BODY_BYTES = 44 * 1024

export type Body = Record<string, unknown>
export type Opened = { body: Body; text: string } | { broken: Broken }

/** Verifies first, reads after; what is not signed by exactly this key under exactly this label is not read. */
export async function open(signed: Signed, label: string, key: Key): Promise<Opened> {
  if (signed.keyId !== key.id) return { broken: { code: 'otherKey', found: signed.keyId, expected: key.id } }
  const payload = fromBase64(signed.payload)
  const signature = fromBase64(signed.signature)
  if (!payload || !signature) return { broken: { code: 'base64' } }
  if (payload.length > MAX_BODY_BYTES) return { broken: { code: 'tooLarge' } }
  if (!(await verifies(key, label, payload, signature))) return { broken: { code: 'signature', label } }
  const text = fromUtf8(payload)
  try {
    const body: unknown = JSON.parse(text ?? '')
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { body: body as Body, text: text! }
  } catch {
    // Said below.
  }
  return { broken: { code: 'noJson' } }
}

/** Whether a field says what it has to. */
export function differs(name: string, found: unknown, expected: unknown): Broken | null {
  return found === expected ? null : { code: 'field', name, found: String(found), expected: String(expected) }
}
