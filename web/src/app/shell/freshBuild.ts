import { ref, watch } from 'vue'
import type { Router } from 'vue-router'
import { socket } from '@/api/socket'

/** The control plane serves another dashboard than the one on screen: it was upgraded. */
export const newBuild = ref(false)

const RELOADED = 'serverflow.reloaded'
/** A reload that did not help is not repeated within this. */
const ONCE_WITHIN_MS = 30_000

/** The module a page begins with; its name changes with every build. */
export const entryOf = (html: string): string | null => /<script[^>]+type="module"[^>]+src="([^"]+)"/.exec(html)?.[1] ?? null

/** Whether an error says that a part of the dashboard could not be fetched; each browser has its own words. */
export const isMissingPart = (error: unknown): boolean =>
  error instanceof Error && /dynamically imported module|Importing a module script failed|Unable to preload/i.test(error.message)

/** Asks what is served now; true where it is another build, null where nobody answers. */
export async function servesAnother(): Promise<boolean | null> {
  const own = document.querySelector('script[type=module][src]')?.getAttribute('src') ?? null
  const html = await fetch('/', { cache: 'no-store', headers: { Accept: 'text/html' } }).then(
    (response) => (response.ok ? response.text() : null),
    () => null,
  )
  const served = html === null ? null : entryOf(html)
  if (!own || !served) return null
  return served !== own
}

/**
 * After an upgrade the parts this page would fetch are gone. Where somebody goes to a page whose part is gone, the new
 * dashboard is loaded at that address at once; where they stay, the banner offers it.
 */
export function watchBuilds(router: Router): void {
  // The development server replaces modules by itself.
  if (import.meta.env.DEV) return
  router.onError(async (error, to) => {
    if (!isMissingPart(error) || !(await servesAnother())) return
    newBuild.value = true
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0)
    if (Date.now() - last < ONCE_WITHIN_MS) return
    sessionStorage.setItem(RELOADED, String(Date.now()))
    location.assign(to.fullPath)
  })
  // An upgrade ends every connection: it is asked for after each new one.
  watch(socket.connection, async (now, before) => {
    if (now === 'live' && before !== undefined && (await servesAnother())) newBuild.value = true
  })
}
