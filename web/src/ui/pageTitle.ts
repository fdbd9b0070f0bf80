import { ref, watchEffect } from 'vue'

/** What the page on screen is called. */
export const pageTitle = ref('')
/** How many things wait for whoever looks; the tab says so, also from the background. */
export const waiting = ref(0)

/** "(3) Inbox · ServerFlow" */
export const tabTitle = (title: string, waits: number): string => `${waits > 0 ? `(${waits}) ` : ''}${title ? `${title} · ` : ''}ServerFlow`

if (typeof document !== 'undefined') watchEffect(() => (document.title = tabTitle(pageTitle.value, waiting.value)), { flush: 'post' })
