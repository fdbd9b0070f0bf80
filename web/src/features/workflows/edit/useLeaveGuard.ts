import { useEventListener } from '@vueuse/core'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'
import { text } from '@/locales/en/workflows'

/** Asks before what was typed is lost: another page, another part of this one, a closed tab. */
export function useLeaveGuard(isTouched: () => boolean): void {
  const ask = (): boolean => !isTouched() || confirm(text.document.leave)
  onBeforeRouteLeave(ask)
  onBeforeRouteUpdate((to, from) => to.path === from.path || ask())
  useEventListener('beforeunload', (event) => {
    if (isTouched()) event.preventDefault()
  })
}
