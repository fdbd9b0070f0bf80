// Previews: a push of a branch, signed as GitHub signs it, makes an app of its own that a real nginx serves at its own name; it is
// kept longer, deleted with its plan, and goes with its branch.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const run = promisify(execFile)
const NAME = 'feature-x-shop.preview.example.org'
const ZERO = '0'.repeat(40)

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  shared.web = await plane.serveDomains()
  const repository = await plane.repository('shop', [{ message: 'One', files: { 'index.html': 'what people see' } }])
  const settings = { repository, reference: 'main', build: { builder: 'static' }, env: [{ name: 'KEY', value: 'live' }] }
  shared.app = await plane.call('POST', '/apps', { name: 'shop', nodeId: (await plane.node()).id, settings })
  const deployed = await plane.deploy(shared.app)
  assert.equal(deployed.done, 'succeeded', JSON.stringify(deployed.outcome))
  shared.hook = await plane.call('POST', `/apps/${shared.app.id}/hook`, {})
})

const at = ({ app }) => `/apps/${app.id}/previews`
const git = (plane, ...args) => run('git', ['-C', join(plane.repositories, 'shop'), '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args])
const previews = async (plane) => (await plane.call('GET', `/apps/${shared.app.id}/previews`)).previews

/** What nginx answers whoever asks for a host. */
const ask = (port, host) =>
  new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', agent: false, headers: { host } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part) => (text += part))
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
    })
    asked.on('error', () => resolve({ status: 0, text: '' })).end()
  })

/** What GitHub sends for a branch that went from one commit to another, with the signature it makes. */
async function push(plane, { branch, before, after }) {
  const body = JSON.stringify({
    ref: `refs/heads/${branch}`,
    before,
    after,
    created: before === ZERO,
    deleted: after === ZERO,
    forced: false,
    repository: { full_name: 'ada/shop', default_branch: 'main' },
    pusher: { name: crypto.randomUUID() },
    commits: [],
  })
  const answer = await fetch(`${plane.url}${shared.hook.hook.path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': crypto.randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', shared.hook.secret).update(body).digest('hex')}`,
    },
    body,
  })
  return { status: answer.status, ...(await answer.json()) }
}

async function apply(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name }).click()
  return plan
}

journey('previews are off until somebody says below which domain, and the page says what they are', { at }, async ({ page, plane }) => {
  await page.getByText('Branches of this app are not previewed').waitFor()
  await page.getByText(/nothing of production/).waitFor()
  await page.getByRole('button', { name: 'Preview branches' }).click()
  const form = page.getByRole('form', { name: 'Which branches are previewed' })
  await form.getByLabel('Domain below which they are reached').fill('preview.example.org')
  await form.getByLabel('Branches').fill('feature/*')
  await form.getByLabel('Certificates').selectOption('none')
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Preview branches of shop' })
  await plan.getByText(/at a name below preview.example.org/).waitFor()
  assert.equal((await plane.call('GET', `/apps/${shared.app.id}/previews`)).settings, null, 'the plan has done nothing')
  await plan.getByRole('button', { name: 'Preview branches of shop' }).click()
  await plan.waitFor({ state: 'detached' })
  await page.getByText('No branch is previewed now', { exact: false }).waitFor()
})

journey('a push of a branch is served at its own name, and production’s goes on', { at }, async ({ page, plane, web }) => {
  await git(plane, 'checkout', '-q', '-b', 'feature/x', 'main')
  await plane.repository('shop', [{ message: 'Two', files: { 'index.html': 'what the branch makes of it' } }])
  const after = (await git(plane, 'rev-parse', 'feature/x')).stdout.trim()
  const heard = await push(plane, { branch: 'feature/x', before: ZERO, after })
  assert.deepEqual([heard.status, heard.data.outcome], [202, 'preview'], JSON.stringify(heard))
  await until('nginx serves the preview', async () => (await ask(web, NAME)).text.includes('what the branch makes of it'))
  assert.match(await (await fetch((await plane.app('shop')).url)).text(), /what people see/)
  const [preview] = await previews(plane)
  const own = await plane.call('GET', `/apps/${preview.appId}`)
  assert.deepEqual([own.previewOf, own.settings.env ?? []], [shared.app.id, []])
  const link = page.getByRole('link', { name: /: open the preview of feature\/x$/ })
  await link.waitFor({ timeout: 20_000 })
  assert.match(await link.getAttribute('href'), new RegExp(`//${NAME}$`))
  await page.getByText(/Goes\s+in 7 days/).waitFor()
  await page.getByRole('link', { name: 'feature/x', exact: true }).click()
  await page.getByText('This app is the preview of a branch.').waitFor()
})

for (const size of ['wide', 'phone']) {
  journey(`the page has no barriers (${size})`, { at, size }, async ({ page }) => {
    await page.getByRole('link', { name: /: open the preview of feature\/x$/ }).waitFor()
    await settled(page)
    assert.deepEqual(await violations(page, `previews, ${size}`), [])
  })
}

journey('lists of apps leave previews out', { at: '/apps' }, async ({ page }) => {
  await page.getByRole('link', { name: 'shop', exact: true }).first().waitFor()
  assert.equal(await page.getByText('feature-x-shop').count(), 0)
})

journey('one is kept longer, and deleted after its plan', { at }, async ({ page, plane, web }) => {
  await page.getByRole('button', { name: 'Keep longer: feature/x, for 7 more days' }).click()
  await (await apply(page, 'Keep the preview of feature/x')).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Delete the preview of feature/x' }).click()
  const plan = page.getByRole('dialog', { name: 'Delete the preview of feature/x' })
  await plan.getByText(new RegExp(`${NAME} leads nowhere then`)).waitFor()
  await plan.getByRole('button', { name: 'Delete the preview of feature/x' }).click()
  await until('the preview is gone', async () => (await previews(plane)).length === 0)
  assert.doesNotMatch((await ask(web, NAME)).text, /what the branch makes of it/)
})

journey('a preview goes with its branch', { at: null }, async ({ plane }) => {
  const after = (await git(plane, 'rev-parse', 'feature/x')).stdout.trim()
  await push(plane, { branch: 'feature/x', before: after, after })
  await until('it is there again', async () => (await previews(plane))[0]?.isServed)
  const heard = await push(plane, { branch: 'feature/x', before: after, after: ZERO })
  assert.match(heard.data.reason, /was deleted/)
  await until('the preview is gone', async () => (await previews(plane)).length === 0)
  const [deletion] = await plane.call('GET', '/runs?action=app.delete&limit=1')
  assert.deepEqual([deletion.done, deletion.actor.kind], ['succeeded', 'system'])
})
