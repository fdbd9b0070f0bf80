import type { Bytes } from './bytes'
import { isCanonical, type Key } from './key'

/** The pre-authentication encoding of DSSE 1.0: what a signature covers is the label and the exact bytes. */
export function pae(label: string, body: Bytes): Bytes {
  const encoder = new TextEncoder()
  const name = encoder.encode(label)
  const head = encoder.encode(`DSSEv1 ${name.length} ${label} ${body.length} `)
  const out = new Uint8Array(head.length + body.length)
  out.set(head)
  out.set(body, head.length)
  return out
}

/** Whether `key` signed exactly these bytes under this label. */
export async function verifies(key: Key, label: string, body: Bytes, signature: Bytes): Promise<boolean> {
  if (signature.length !== 64 || !isCanonical(signature)) return false
  const imported = await crypto.subtle.importKey('raw', key.bytes, { name: 'Ed25519' }, false, ['verify'])
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, pae(label, body))
}

/** Whether this browser can verify at all: it knows Ed25519 and the page was reached in a way that allows WebCrypto. */
export async function canVerify(): Promise<'yes' | 'insecure' | 'old'> {
  if (!globalThis.crypto?.subtle) return 'insecure'
  try {
    // The base point's y, 4/5: a key like any other.
    const key = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0x58 : 0x66))
    await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify'])
    return 'yes'
  } catch {
    return 'old'
  }
}
