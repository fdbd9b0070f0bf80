// What goes wrong between a page and its control plane: the page says so, and recovers by itself.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'

const { journey } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
  shared.node = await shared.plane.node()
})

journey('the control plane is restarted while a page is open', { at: '/nodes' }, async ({ page, plane, node }) => {
  await page.evaluate(() => (globalThis.stillThis = true))
  await plane.halt('SIGKILL')
  await page.getByText('Not connected').first().waitFor()
  await page.getByText(/The control plane does not answer/).waitFor()
  assert.ok(await page.getByText(node.name).first().isVisible(), 'what was known stays on screen')
  await plane.serve()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: 'changed-meanwhile' })
  await page.locator('[data-connection][data-state=live]').waitFor({ timeout: 30_000 })
  await page.getByText('changed-meanwhile').first().waitFor()
  await page.getByText(/The control plane does not answer/).waitFor({ state: 'detached' })
  assert.equal(await page.evaluate(() => globalThis.stillThis), true, 'without a reload')
  await plane.call('PATCH', `/nodes/${node.id}`, { name: node.name })
})

journey('a page opened while nobody answers goes on when somebody does', { at: '/apps' }, async ({ page, plane }) => {
  await plane.halt('SIGKILL')
  await page.getByRole('link', { name: 'Runs' }).first().click()
  await page.getByText(/does not answer/).first().waitFor()
  await plane.serve()
  await page.getByRole('link', { name: /Deploy hello-node/ }).first().waitFor({ timeout: 30_000 })
})

journey('events that were missed for good make the page read anew', { at: null }, async ({ me, plane, node }) => {
  const page = await me.context.newPage()
  let tell = null
  await page.routeWebSocket(/\/api\/v1\/ws/, (socket) => {
    const server = socket.connectToServer()
    let deaf = false
    server.onMessage((message) => !deaf && socket.send(message))
    socket.onMessage((message) => server.send(message))
    tell = { deafen: () => (deaf = true), lag: () => socket.send(JSON.stringify({ event: 'lagged', from: '1', to: '999999' })) }
  })
  await page.goto('/nodes')
  await settled(page)
  tell.deafen()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: 'told-to-nobody' })
  tell.lag()
  await page.getByText('told-to-nobody').first().waitFor()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: node.name })
})

journey('a session that runs out is renewed unseen', { at: '/apps' }, async ({ page }) => {
  let refused = 0
  await page.route('**/api/v1/runs?**', async (route) => {
    if (refused++ > 0) return route.fallback()
    await route.fulfill({ status: 401, json: { success: false, data: null, error: { code: 'auth.token', message: 'This token has expired.' }, meta: { requestId: 'x', timestamp: new Date().toISOString() } } })
  })
  await page.getByRole('link', { name: 'Runs' }).first().click()
  await page.getByRole('link', { name: /Deploy hello-node/ }).first().waitFor()
  assert.ok(refused >= 2, 'asked again with a fresh token')
})

journey('a session that was ended elsewhere asks to sign in, and comes back', { at: '/apps' }, async ({ page, plane }) => {
  const sessions = await plane.call('GET', '/sessions')
  for (const session of sessions.filter(({ current }) => !current)) await plane.call('DELETE', `/sessions/${session.id}`)
  // Its socket is cut at once, so that nobody has to click.
  await page.waitForURL('**/login?next=**', { timeout: 20_000 })
  await page.getByLabel('E-mail').fill(plane.admin.email)
  await page.getByLabel('Password', { exact: true }).fill(plane.admin.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(/\/(runs|apps)/)
})

journey('too many requests: the page waits as long as it was told, and gets its answer', { at: '/apps' }, async ({ page }) => {
  const asked = new Map()
  await page.route('**/api/v1/runs?**', async (route) => {
    const url = route.request().url()
    asked.set(url, [...(asked.get(url) ?? []), Date.now()])
    if (asked.get(url).length > 1) return route.fallback()
    await route.fulfill({ status: 429, headers: { 'retry-after': '2' }, json: { success: false, data: null, error: { code: 'rate.limited', message: 'Too many requests.' }, meta: { requestId: 'x', timestamp: new Date().toISOString() } } })
  })
  await page.getByRole('link', { name: 'Runs' }).first().click()
  await page.getByRole('link', { name: /Deploy hello-node/ }).first().waitFor()
  const waits = [...asked.values()].map(([first, second]) => second - first)
  assert.ok(waits.length > 0 && waits.every((wait) => wait >= 2_000), `waited ${waits.join(', ')} ms`)
})

journey('a conflict is said where one decides, and stays', { at: ({ app }) => `/apps/${app.id}` }, async ({ page }) => {
  const message = 'Another run changes this app right now.'
  await page.route('**/api/v1/apps/*/restart', async (route) => {
    if (route.request().url().includes('dryRun')) return route.fallback()
    await route.fulfill({ status: 409, json: { success: false, data: null, error: { code: 'run.busy', message, details: { fix: 'Wait for it to end.' } }, meta: { requestId: 'req-409', timestamp: new Date().toISOString() } } })
  })
  await page.getByRole('button', { name: 'Restart', exact: true }).click()
  const plan = page.getByRole('dialog', { name: 'Restart hello-node' })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Restart hello-node' }).click()
  await plan.getByRole('alert').getByText(message).waitFor()
  await plan.getByText('Wait for it to end.').waitFor()
  await plan.getByText('req-409').waitFor()
  await page.waitForTimeout(1_000)
  assert.ok(await plan.getByText(message).isVisible(), 'it stays until it is answered')
})

journey('a clock that is off by hours is named, and ages stay true', { at: null }, async ({ me }) => {
  const page = await me.context.newPage()
  await page.addInitScript(() => {
    const real = Date.now.bind(Date)
    const off = 5 * 3_600_000
    const Own = Date
    globalThis.Date = class extends Own {
      constructor(...args) {
        if (args.length === 0) super(real() + off)
        else super(...args)
      }
      static now() {
        return real() + off
      }
    }
  })
  await page.goto('/runs')
  await settled(page)
  await page.getByText(/clock is off by (5 h|4 h 59)/).waitFor()
  const age = await page.getByRole('link', { name: /Deploy hello-node/ }).first().locator('xpath=ancestor::*[@role="row"]').textContent()
  assert.doesNotMatch(age, /hour|in \d/)
})

journey('on a slow line there are placeholders, nothing jumps, and a click counts once', { at: '/' }, async ({ page, me, plane, app }) => {
  await page.evaluate(() => {
    globalThis.shift = 0
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => !entry.hadRecentInput && (globalThis.shift += entry.value))).observe({ type: 'layout-shift', buffered: true })
  })
  const line = await me.context.newCDPSession(page)
  await line.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 60_000, uploadThroughput: 60_000 })
  await page.keyboard.press('g')
  await page.keyboard.press('r')
  await page.getByRole('status', { name: 'Loading' }).first().waitFor()
  await page.getByRole('link', { name: /Deploy hello-node/ }).first().waitFor({ timeout: 20_000 })
  await page.goto(`/apps/${app.id}`)
  await page.getByRole('button', { name: 'Restart', exact: true }).click({ timeout: 20_000 })
  const plan = page.getByRole('dialog', { name: 'Restart hello-node' })
  await plan.getByRole('listitem').first().waitFor({ timeout: 20_000 })
  const before = (await plane.call('GET', '/runs?action=app.restart')).length
  await plan.getByRole('button', { name: 'Restart hello-node' }).dblclick()
  await page.getByRole('dialog').getByText('Succeeded').first().waitFor({ timeout: 30_000 })
  assert.equal((await plane.call('GET', '/runs?action=app.restart')).length, before + 1)
  const shift = await page.evaluate(() => globalThis.shift ?? 0)
  assert.ok(shift < 0.1, `the page jumped: ${shift.toFixed(3)}`)
})
