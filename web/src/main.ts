import '@/app/style.css'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { keepFresh } from '@/api/freshness'
import { socket } from '@/api/socket'
import App from '@/app/App.vue'
import { applyLook } from '@/app/look'
import { queryClient } from '@/app/queries'
import { router } from '@/app/router'
import { noteFailure } from '@/app/failure'
import { watchBuilds } from '@/app/shell/freshBuild'
import { watchGoing } from '@/app/shell/going'

const app = createApp(App)
app.config.errorHandler = (error) => {
  console.error(error)
  noteFailure(error)
}
app.use(VueQueryPlugin, { queryClient })
app.use(router)
watchGoing(router)
watchBuilds(router)
applyLook()
socket.start()
keepFresh(queryClient)
app.mount('#app')
// Whoever goes on from the first page finds the way to the others already there.
const idle = globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 2_000))
idle(() => void import('@/app/pages').catch(() => undefined))
