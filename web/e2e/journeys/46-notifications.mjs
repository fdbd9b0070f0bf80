// Where people are told: channels, times, this browser; by mouse, keyboard and on a phone.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after } from 'node:test'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

/** Something that takes messages on this machine, which its operator allows. */
const taken = []
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => {
    taken.push({ path: request.url, id: request.headers['webhook-id'], body: JSON.parse(body) })
    response.writeHead(request.url === '/gone' ? 404 : 200).end()
  })
})
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve))
after(() => receiver.close())
const url = (path) => `http://127.0.0.1:${receiver.address().port}${path}`

const { journey } = world({ bare: false, env: { SERVERFLOW_EGRESS__ALLOWED_NETWORKS: '["127.0.0.0/8"]' } })
const AT = '/settings/notifications'

async function add(page, { kind, name, address }) {
  await page.getByRole('button', { name: 'Add a channel' }).first().click()
  const form = page.getByRole('dialog', { name: 'Add a channel' })
  await form.getByLabel('Kind').selectOption(kind)
  await form.getByLabel('Name').fill(name)
  await form.getByLabel(/^(Address|Webhook address)$/).fill(address)
  await form.getByRole('button', { name: 'Add it' }).click()
  return form
}

journey('adds a webhook, is shown its secret once, and a test arrives', { at: AT }, async ({ page }) => {
  await add(page, { kind: 'webhook', name: 'Ops room', address: url('/hook/hunter2') })
  const secret = page.getByRole('status').filter({ hasText: 'Copy its secret now' })
  assert.match(await secret.locator('code').textContent(), /^whsec_/)
  await secret.getByRole('button', { name: 'I have it' }).click()
  await secret.waitFor({ state: 'detached' })
  const row = page.getByRole('listitem').filter({ hasText: 'Ops room' })
  assert.ok(!(await row.textContent()).includes('hunter2'), 'its address is not shown')
  await row.getByRole('button', { name: 'Send a test by Ops room' }).click()
  const test = await until('the test has arrived', () => taken.find(({ path }) => path === '/hook/hunter2'))
  assert.equal(test.body.type, 'notification.test')
  await row.getByText('Last taken').waitFor()
})

journey('is told why an address is refused, and why a message was not taken', { at: AT }, async ({ page }) => {
  const form = await add(page, { kind: 'slack', name: 'Inside', address: 'http://169.254.169.254/latest' })
  await form.getByText('169.254.169.254').first().waitFor()
  await form.getByLabel('Webhook address').fill(url('/gone'))
  await form.getByRole('button', { name: 'Add it' }).click()
  const row = page.getByRole('listitem').filter({ hasText: 'Inside' })
  await row.getByRole('button', { name: 'Send a test by Inside' }).click()
  await row.getByText('it answered 404').waitFor()
  await row.getByRole('button', { name: 'Delete Inside' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete Inside' }).click()
  await row.waitFor({ state: 'detached' })
})

journey('chooses on a phone when to be told, and it stays', { at: AT, size: 'phone', theme: 'light' }, async ({ page, plane }) => {
  await page.getByRole('group', { name: 'Failed runs' }).getByText('Hourly').click()
  await page.getByLabel('Quiet hours').check()
  await page.getByLabel('To', { exact: true }).fill('06:30')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  const kept = await plane.call('GET', '/me/notifications')
  assert.deepEqual([kept.kinds.failed, kept.quiet], ['hourly', { from: '22:00', to: '06:30' }])
  await page.reload()
  await page.getByRole('group', { name: 'Failed runs' }).getByRole('radio', { name: 'Hourly' }).waitFor({ state: 'attached' })
  assert.ok(await page.getByRole('group', { name: 'Failed runs' }).getByRole('radio', { name: 'Hourly' }).isChecked())
})

journey('gives the team a channel by the keyboard alone', { at: AT }, async ({ page, plane }) => {
  const button = page.getByRole('button', { name: 'Add a channel' }).last()
  await button.focus()
  await page.keyboard.press('Enter')
  const form = page.getByRole('dialog', { name: 'Add a channel' })
  await form.getByLabel('Name').focus()
  await page.keyboard.type('Everybody')
  await page.keyboard.press('Tab')
  await page.keyboard.type('ops@example.org')
  await page.keyboard.press('Enter')
  await page.getByRole('listitem').filter({ hasText: 'Everybody' }).waitFor()
  const [team] = await plane.call('GET', '/notification-channels')
  assert.deepEqual([team.kind, team.hint], ['mail', 'ops@example.org'])
})

journey('has a service worker that answers no request', { at: AT }, async ({ page }) => {
  const answer = await page.request.get('/push-worker.js')
  assert.match(answer.headers()['content-type'], /^text\/javascript/)
  assert.match(answer.headers()['cache-control'], /no-cache/)
  await page.evaluate(() => navigator.serviceWorker.register('/push-worker.js').then(() => navigator.serviceWorker.ready))
  assert.deepEqual(await page.evaluate(() => caches.keys()), [])
  await page.reload()
  await page.getByRole('heading', { name: 'This browser' }).waitFor()
})
