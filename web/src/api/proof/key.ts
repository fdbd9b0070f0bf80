import { fromBase64, toHex, type Bytes } from './bytes'

/** A public key that was looked at: 32 bytes, not weak, with its names. */
export interface Key {
  bytes: Bytes
  /** `sha256:` and 64 hex digits, as agents pin it. */
  id: string
  /** Six words two people can compare. */
  words: string
}

const WORDS = (
  'acorn amber anvil apple arrow autumn badge baker basil beach birch bison bloom brick cabin camel candle canyon cedar chalk cherry ' +
  'cliff clover cobalt comet coral cotton crane daisy delta dolphin eagle ember falcon fern forest galaxy garlic ginger glacier grape ' +
  'harbor hazel honey island ivory jasper juniper kettle lagoon lemon lilac linen magnet maple marble meadow mint nectar ocean olive ' +
  'orchid pebble quartz'
).split(' ')

/** 2^255 - 19 (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n
/** The order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
/** y of a point of order eight. */
const Y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n
// y of the points of small order; under such a key anything verifies.
const WEAK_Y = new Set([0n, 1n, P - 1n, Y8, P - Y8])

const little = (bytes: Bytes): bigint => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse() as Bytes)}`)

/** Whether a key is one under which everything verifies, or is written in a second spelling. */
export function isWeak(bytes: Bytes): boolean {
  const y = little(bytes) & (2n ** 255n - 1n)
  return y >= P || WEAK_Y.has(y)
}

/** Whether the scalar of a signature is in its range: otherwise the same signature had a second spelling. */
export const isCanonical = (signature: Bytes): boolean => little(signature.slice(32) as Bytes) < L

/** Reads a key; null where it is no usable one. */
export async function keyOf(base64: string | null | undefined): Promise<Key | null> {
  const bytes = base64 ? fromBase64(base64) : null
  if (!bytes || bytes.length !== 32 || isWeak(bytes)) return null
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { bytes, id: `sha256:${toHex(digest)}`, words: wordsOf(digest) }
}

const wordsOf = (digest: Bytes): string => Array.from(digest.slice(0, 6), (byte) => WORDS[byte & 63]).join('-')

/** The words of a fingerprint that is known by its name alone; null where it is none. */
export function wordsOfId(id: string): string | null {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(id)?.[1]
  return hex ? wordsOf(Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16))) : null
}
