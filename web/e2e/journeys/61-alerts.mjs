// A machine that falls silent: its card comes up in the inbox by itself, people are told, and it goes away when the
// machine is back.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

/** Silence is an alert after so long here, seconds. */
const SILENT_SECS = 3

const { journey } = world({ env: { SERVERFLOW_ALERTS__SILENT_AFTER_SECS: String(SILENT_SECS), SERVERFLOW_EGRESS__ALLOWED_NETWORKS: '["127.0.0.0/8"]' } }, async (shared) => {
  shared.node = await shared.plane.node()
})

/** What takes the team's messages. */
async function receiver(t) {
  const posts = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => (body += piece))
    request.on('end', () => {
      posts.push(JSON.parse(body))
      response.end('ok')
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { posts, url: `http://127.0.0.1:${server.address().port}/hook` }
}

journey('a node goes silent: its card comes, is told and leads to it, and goes when the node is back', { at: '/inbox', timeout: 150_000 }, async ({ page, plane, node, t }) => {
  const { posts, url } = await receiver(t)
  const channel = await plane.call('POST', '/me/notification-channels', { name: 'ops', target: { kind: 'webhook', url }, kinds: ['alert'] })
  assert.ok(channel.secret)
  await page.getByText('Nothing waits for you').waitFor()

  await plane.killAgent()
  const card = page.locator('[data-swipe]:not([data-ghost])')
  await card.getByRole('heading', { name: /A node is silent/ }).waitFor({ timeout: 60_000 })
  await card.getByText(`more than ${SILENT_SECS} s`).waitFor()
  assert.deepEqual(await violations(page, 'alert'), [])
  const told = await until('it is told', () => posts[0])
  assert.equal(told.type, 'notification.alert')
  assert.equal(told.data.title, `Alert: A node is silent · ${node.name}`)
  assert.equal(new URL(told.data.url).pathname, `/inbox/${node.id}`)

  // Its link leads to the card, and the card to the machine.
  await page.goto(`${plane.url}/inbox/${node.id}`)
  await settled(page)
  await card.getByRole('heading', { name: /A node is silent/ }).waitFor()

  plane.startAgent()
  await until('it is back', async () => (await plane.node()).status === 'online', 60_000)
  await card.waitFor({ state: 'detached', timeout: 30_000 })
  assert.deepEqual(await plane.call('GET', '/inbox?kind=alert'), [])
  assert.equal(posts.length, 1, 'told once, and nothing when it is over')
})

journey('a link to an alert that is over says so', { at: ({ node }) => `/inbox/${node.id}` }, async ({ page }) => {
  await page.getByText('This card is not in your inbox any more').waitFor()
})
