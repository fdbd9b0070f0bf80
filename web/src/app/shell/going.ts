import { ref } from 'vue'
import type { Router } from 'vue-router'
import { isMissingPart } from './freshBuild'

/** A page whose part is here already comes at once; only a slow one is worth a bar. */
const PATIENCE_MS = 150

/** The next page is being fetched. */
export const isGoing = ref(false)
/** Where the last attempt to go failed, and why. */
export const stuck = ref<{ path: string; error: unknown } | null>(null)

/** Tells of pages that take long to come, or do not come. */
export function watchGoing(router: Router): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const arrived = (): void => {
    clearTimeout(timer)
    isGoing.value = false
  }
  router.beforeEach(() => {
    clearTimeout(timer)
    stuck.value = null
    timer = setTimeout(() => (isGoing.value = true), PATIENCE_MS)
  })
  router.afterEach(arrived)
  router.onError((error, to) => {
    arrived()
    if (isMissingPart(error)) stuck.value = { path: to.fullPath, error }
  })
}
