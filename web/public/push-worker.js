// Shows what was pushed to this browser, and opens its page when somebody touches it. It answers no request and keeps
// nothing: pages always come from the control plane.
const HOME = '/inbox'

/** Whatever arrives is shown: browsers end subscriptions that stay silent. Addresses of other places are not opened. */
function read(data) {
  const home = new URL(HOME, self.location.origin)
  try {
    const { title, body, url, tag, pressing } = data.json()
    const there = new URL(String(url), self.location.origin)
    return { title: String(title), body: String(body ?? ''), tag: String(tag ?? ''), pressing: pressing === true, path: there.pathname + there.search }
  } catch (_) {
    return { title: 'ServerFlow', body: '', tag: '', pressing: false, path: home.pathname }
  }
}

self.addEventListener('install', (event) => event.waitUntil(self.skipWaiting()))
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('push', (event) => {
  const { title, body, tag, pressing, path } = read(event.data)
  event.waitUntil(self.registration.showNotification(title, { body, tag, requireInteraction: pressing, icon: '/icon.svg', data: { path } }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  // The path alone: wherever the message was made, it is this dashboard that opens, behind its sign-in.
  const page = new URL(event.notification.data?.path ?? HOME, self.location.origin)
  const open = async () => {
    const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
    const shown = windows.find((client) => new URL(client.url).origin === page.origin)
    if (!shown) return self.clients.openWindow(page.href)
    await shown.focus()
    // A page that cannot be led there yet is opened anew.
    return shown.navigate(page.href).catch(() => self.clients.openWindow(page.href))
  }
  event.waitUntil(open())
})
