// Deploys by push: a git host's request, signed as it signs it, deploys a real commit on a real node; and why others do not.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const run = promisify(execFile)

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  const repository = await plane.repository('shop', [{ message: 'One', files: { 'web/index.html': 'the first one', 'docs/note.md': 'a note' } }])
  const settings = { repository, reference: 'main', build: { builder: 'static', publish: 'web' } }
  shared.app = await plane.call('POST', '/apps', { name: 'shop', nodeId: (await plane.node()).id, settings })
  const deployed = await plane.deploy(shared.app)
  assert.equal(deployed.done, 'succeeded', JSON.stringify(deployed.outcome))
})

const at = ({ app }) => `/apps/${app.id}/push`
const hookOf = async (plane) => (await plane.call('GET', `/apps/${shared.app.id}/hook`)).hook
const tip = async (plane, branch = 'main') => (await run('git', ['-C', join(plane.repositories, 'shop'), 'rev-parse', branch])).stdout.trim()

/** What GitHub sends for a branch that went from one commit to another, with the signature it makes. */
async function push(plane, { before, after, changed = ['web/index.html'], branch = 'main', secret = shared.secret }) {
  const body = JSON.stringify({
    ref: `refs/heads/${branch}`,
    before,
    after,
    created: false,
    deleted: false,
    forced: false,
    repository: { full_name: 'ada/shop', default_branch: 'main', pushed_at: Math.floor(Date.now() / 1000) },
    // Whoever sends the very same once more is answered as before; each of these is another push.
    pusher: { name: crypto.randomUUID() },
    commits: [{ id: after, added: [], removed: [], modified: changed }],
  })
  const answer = await fetch(`${plane.url}${(await hookOf(plane)).path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': crypto.randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  })
  return { status: answer.status, ...(await answer.json()) }
}

/** Commits to the repository and tells the hook of it. */
async function commit(plane, files) {
  const before = await tip(plane)
  await plane.repository('shop', [{ message: Object.keys(files).join(' '), files }])
  return push(plane, { before, after: await tip(plane), changed: Object.keys(files) })
}

/** Goes on by Tab, as one without a mouse, until something has the focus. */
async function tabTo(page, target, what) {
  for (let step = 0; step < 60; step++) {
    if (await target.evaluate((element) => element === document.activeElement).catch(() => false)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`no Tab leads to ${what}`)
}
async function apply(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name }).click()
  await plan.waitFor({ state: 'detached' })
}
const served = async (plane) => (await fetch((await plane.app('shop')).url)).text()

journey('a hook is made by keyboard alone, after its plan; its secret is shown once', { at }, async ({ page, plane }) => {
  await page.getByText('Pushes do not deploy this app').waitFor()
  await page.getByText(/give it to your git host/).waitFor()
  const make = page.getByRole('button', { name: 'Deploy by push' })
  await tabTo(page, make, 'the button')
  await page.keyboard.press('Enter')
  const plan = page.getByRole('dialog', { name: 'Deploy shop by push' })
  await plan.getByText('Every push of `main` deploys it.').waitFor()
  await plan.getByText(/It acts for you/).waitFor()
  assert.equal(await hookOf(plane), null, 'the plan has done nothing')
  await tabTo(page, plan.getByRole('button', { name: 'Deploy shop by push' }), 'the button of the plan')
  await page.keyboard.press('Enter')
  const once = page.getByRole('status').filter({ hasText: 'It is shown this once' })
  shared.secret = (await once.locator('code').textContent()).trim()
  assert.match(shared.secret, /^whsec_/)
  const address = `${plane.url}${(await hookOf(plane)).path}`
  await page.getByText(address).first().waitFor()
  await page.getByText(/Payload URL: the address/).waitFor()
  await tabTo(page, page.getByRole('radio', { name: 'GitHub', exact: true }), 'the git hosts')
  await page.keyboard.press('ArrowRight')
  await page.getByText(/Signing token: the secret/).waitFor()
  await page.keyboard.press('ArrowRight')
  await page.getByText(/Target URL: the address/).waitFor()
  await page.getByText('Nothing has come yet').waitFor()
  await page.reload()
  await page.getByText(address).first().waitFor()
  assert.equal(await page.getByText(shared.secret).count(), 0, 'it is nowhere any more')
})

journey('a push, signed as GitHub signs it, is deployed on the node, and is seen without asking', { at }, async ({ page, plane }) => {
  assert.match(await served(plane), /the first one/)
  const heard = await commit(plane, { 'web/index.html': 'the second one' })
  assert.equal(heard.status, 202, JSON.stringify(heard))
  assert.equal(heard.data.outcome, 'deploy')
  const deployed = await plane.settled(heard.data.runId)
  assert.equal(deployed.done, 'succeeded', JSON.stringify(deployed.outcome))
  assert.deepEqual([deployed.args.commit, deployed.actor.kind], [await tip(plane), 'trigger'])
  assert.match(await served(plane), /the second one/)
  const row = page.getByRole('row').filter({ hasText: (await tip(plane)).slice(0, 8) })
  await row.getByText('Deployed', { exact: true }).waitFor({ timeout: 20_000 })
  await row.getByText('`main` was pushed.').waitFor()
  await row.getByRole('link').click()
  await page.waitForURL(`**/runs/${heard.data.runId}`)
})

journey('the same again answers the same run, and deploys nothing', { at: null }, async ({ plane }) => {
  const [after, runs] = [await tip(plane), await plane.call('GET', `/runs?appId=${shared.app.id}&action=app.deploy`)]
  const known = await push(plane, { before: await tip(plane, 'main~1'), after })
  assert.deepEqual([known.data.outcome, known.data.runId], ['known', runs[0].id])
  assert.equal((await plane.call('GET', `/runs?appId=${shared.app.id}&action=app.deploy`)).length, runs.length)
})

journey('why nothing happened: another branch, another secret', { at }, async ({ page, plane }) => {
  const after = await tip(plane)
  const ignored = await push(plane, { before: after, after, branch: 'next' })
  assert.deepEqual([ignored.status, ignored.data.outcome], [202, 'ignored'])
  await page.getByText('It is of the branch `next`; this app deploys `main`.').waitFor({ timeout: 20_000 })
  const refused = await push(plane, { before: after, after, secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' })
  assert.deepEqual([refused.status, refused.error.code], [404, 'hook.not_found'])
  await page.getByText('no secret of this webhook fits the request').waitFor({ timeout: 20_000 })
})

journey('with folders chosen, what changes none of them is not deployed', { at, size: 'phone' }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Change' }).click()
  const form = page.getByRole('form', { name: 'Which pushes deploy it' })
  assert.equal(await form.getByLabel('Branch').evaluate((element) => element === document.activeElement), true, 'one is led to it')
  await form.getByLabel(/Only when one of these changes/).fill('../web')
  await form.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('alert').getByText(/a folder or file from the root/).waitFor()
  await page.keyboard.press('Escape')
  await form.getByLabel(/Only when one of these changes/).fill('/web\n')
  await form.getByRole('button', { name: 'Review' }).click()
  await apply(page, 'Change which pushes deploy shop')
  await form.waitFor({ state: 'detached' })
  assert.deepEqual((await hookOf(plane)).settings.paths, ['web'])
  const out = await commit(plane, { 'docs/note.md': 'another note' })
  assert.deepEqual([out.data.outcome, out.data.reason], ['ignored', 'Nothing in `web` has changed.'])
  await page.getByText('Nothing in `web` has changed.').waitFor({ timeout: 20_000 })
  const within = await commit(plane, { 'web/index.html': 'the third one' })
  assert.equal((await plane.settled(within.data.runId)).done, 'succeeded')
  assert.match(await served(plane), /the third one/)
})

for (const size of ['wide', 'phone']) {
  journey(`its page is accessible, with and without a hook: ${size}`, { at: null, size }, async ({ me, plane, app }) => {
    const page = await me.open(at({ app }))
    await page.getByText('What came').first().waitFor()
    await settled(page)
    const found = await violations(page, 'app-push')
    await page.getByRole('button', { name: 'Change' }).click()
    found.push(...(await violations(page, 'app-push-form')))
    const other = await plane.app('hello-node')
    await page.goto(at({ app: other }))
    await page.getByText('Pushes do not deploy this app').waitFor()
    await settled(page)
    found.push(...(await violations(page, 'app-push-empty')))
    for (const path of [at({ app }), at({ app: other })]) {
      await page.goto(path)
      await settled(page)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) found.push(`${path}: ${over} px wider than the screen`)
    }
    if (found.length > 0) assert.fail(`${found.length} findings\n    ${found.join('\n    ')}`)
  })
}

journey('a repository that is read by ssh gets a key of its own', { at: null, size: 'phone' }, async ({ me, plane }) => {
  const settings = { repository: 'git@git.example.org:ada/private' }
  const app = await plane.call('POST', '/apps', { name: 'private', nodeId: shared.app.nodeId, settings })
  const page = await me.open(at({ app }))
  const panel = page.getByRole('region', { name: 'Deploy key' })
  await panel.getByText(/The node’s own key opens the repository/).waitFor()
  await panel.getByRole('button', { name: 'Make a deploy key' }).click()
  await page.getByRole('dialog').getByText(/public half is for the git host/).waitFor()
  await apply(page, 'Make a deploy key for private')
  await panel.getByText(/^ssh-ed25519 AAAA\S+ serverflow private$/).waitFor()
  await panel.getByText(/^SHA256:/).waitFor()
  await panel.getByText(/Settings, Deploy keys, Add deploy key/).waitFor()
  const found = await violations(page, 'app-deploy-key')
  assert.deepEqual(found, [])
  await panel.getByRole('button', { name: 'Delete' }).click()
  await apply(page, 'Delete the deploy key of private')
  await panel.getByRole('button', { name: 'Make a deploy key' }).waitFor()
  assert.equal((await plane.call('GET', `/apps/${app.id}/deploy-key`)).key, null)
})

journey('it is switched off, given another secret, and removed', { at }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Switch off' }).click()
  await page.getByRole('dialog').getByText(/It is switched off/).waitFor()
  await apply(page, 'Change which pushes deploy shop')
  await page.getByText('Off', { exact: true }).waitFor()
  const off = await commit(plane, { 'web/index.html': 'the fourth one' })
  assert.deepEqual([off.data.outcome, off.data.reason], ['ignored', 'The hook is switched off.'])
  await page.getByRole('button', { name: 'Switch on' }).click()
  await apply(page, 'Change which pushes deploy shop')
  await page.getByText('On', { exact: true }).waitFor()
  const before = shared.secret
  await page.getByRole('button', { name: 'New secret' }).click()
  await page.getByRole('dialog').getByText(/taken for 24 h/).waitFor()
  await apply(page, 'New secret for the hook of shop')
  const once = page.getByRole('status').filter({ hasText: 'It is shown this once' })
  shared.secret = (await once.locator('code').textContent()).trim()
  assert.notEqual(shared.secret, before)
  await once.getByRole('button', { name: 'Done' }).click()
  const fifth = await commit(plane, { 'web/index.html': 'the fifth one' })
  assert.equal((await plane.settled(fifth.data.runId)).done, 'succeeded', 'by the new secret')
  const address = (await hookOf(plane)).path
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByText(/its address, its secret and what it was sent/).waitFor()
  await apply(page, 'Deploy shop by push no more')
  await page.getByText('Pushes do not deploy this app').waitFor()
  const gone = await fetch(`${plane.url}${address}`, { method: 'POST', body: '{}' })
  assert.equal(gone.status, 404)
  await until('it is gone', async () => (await hookOf(plane)) === null)
})
