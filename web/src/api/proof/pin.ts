/** What this browser saw as the root key when it first looked. */
export interface Pin {
  fingerprint: string
  /** Milliseconds since 1970. */
  at: number
}

/** `first`: seen now for the first time and kept; `same`: as at first; `other`: not the one kept. */
export type Pinned = { state: 'first' | 'same' | 'other'; pin: Pin } | { state: 'unkept' }

const NAME = 'serverflow.root'

/** Compares with the root this browser saw first, and keeps it where there was none. Trust on first use: it shows a later change. */
export function comparePin(fingerprint: string, now: number, store: Storage | null = storage()): Pinned {
  if (!store || !/^sha256:[0-9a-f]{64}$/.test(fingerprint)) return { state: 'unkept' }
  try {
    const kept = read(store.getItem(NAME))
    if (kept) return { state: kept.fingerprint === fingerprint ? 'same' : 'other', pin: kept }
    const pin = { fingerprint, at: now }
    store.setItem(NAME, JSON.stringify(pin))
    return { state: 'first', pin }
  } catch {
    return { state: 'unkept' }
  }
}

/** Takes another root as the one to compare with, because a person says so. */
export function repin(fingerprint: string, now: number, store: Storage | null = storage()): void {
  store?.setItem(NAME, JSON.stringify({ fingerprint, at: now }))
}

function storage(): Storage | null {
  try {
    return globalThis.localStorage ?? null
  } catch {
    return null
  }
}

function read(text: string | null): Pin | null {
  try {
    const pin = JSON.parse(text ?? 'null') as Partial<Pin> | null
    return typeof pin?.fingerprint === 'string' && typeof pin.at === 'number' ? { fingerprint: pin.fingerprint, at: pin.at } : null
  } catch {
    return null
  }
}
