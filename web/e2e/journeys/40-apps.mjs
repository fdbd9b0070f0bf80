// Deploys that fail, break and are taken back; settings that wait.
import assert from 'node:assert/strict'
import { world } from '../journey.mjs'

const { journey } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
})
const onApp = ({ app }) => `/apps/${app.id}`

/** Deploys another revision through the pages, up to its live timeline. */
async function deployOther(page, reference) {
  await page.getByRole('button', { name: 'Other ways to deploy' }).click()
  await page.getByRole('menuitem', { name: /Another branch/ }).click()
  await page.getByLabel(/Branch, tag or full commit/).fill(reference)
  await page.getByRole('button', { name: 'Show the plan' }).click()
  await apply(page, /^Deploy hello-node/)
}
async function apply(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name }).click()
}

journey('a deploy that is not healthy never goes live, and says why', { at: onApp }, async ({ page, plane, app }) => {
  await deployOther(page, 'broken-health')
  const live = page.getByRole('dialog')
  await live.getByText('Health check').first().waitFor()
  assert.equal((await fetch(app.url)).status, 200, 'the old release serves meanwhile')
  await live.getByText(/answered 500/).first().waitFor({ timeout: 30_000 })
  await live.getByText('Failed').first().waitFor({ timeout: 30_000 })
  await live.getByText('The app answers its health check with an error.').first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Running').first().waitFor()
  const now = await plane.app('hello-node')
  assert.equal(now.liveRelease.id, app.liveRelease.id)
  assert.equal((await fetch(app.url)).status, 200)
})

journey('a release that crashes while it is watched is taken back by itself', { at: onApp }, async ({ page, plane, app }) => {
  await deployOther(page, 'crash-after-start')
  const live = page.getByRole('dialog')
  await live.getByText('Rolled back').first().waitFor({ timeout: 45_000 })
  await live.getByRole('link', { name: 'Open the run' }).click()
  await page.waitForURL('**/runs/*')
  await page.getByText('Every signature holds').waitFor()
  await page.getByText('Most likely').first().waitFor()
  const now = await plane.app('hello-node')
  assert.equal(now.liveRelease.id, app.liveRelease.id)
  assert.equal((await fetch(app.url)).status, 200)
})

journey('a byte changed in the page breaks the proof, and it shows', { at: null }, async ({ me, plane }) => {
  const run = (await plane.call('GET', '/runs?action=app.deploy&limit=1'))[0]
  const page = await me.open(`/runs/${run.id}`)
  await page.getByText('Every signature holds').waitFor()
  const tamper = page.getByRole('button', { name: 'Change one byte' })
  if (!(await tamper.first().isVisible().catch(() => false))) await page.getByText('Show what was signed').first().click()
  await tamper.first().click()
  await page.getByText('This proof is broken').waitFor()
})

journey('an app goes back to a release before, and nothing is built', { at: onApp }, async ({ page, plane, app }) => {
  const run = await plane.deploy(app)
  assert.equal(run.done, 'succeeded')
  const second = (await plane.app('hello-node')).liveRelease.number
  await page.getByRole('button', { name: 'Roll back', exact: true }).click()
  await apply(page, /^Roll hello-node back/)
  await page.getByRole('dialog').getByText('Succeeded').first().waitFor({ timeout: 30_000 })
  const now = await plane.app('hello-node')
  assert.ok(now.liveRelease.number < second, `#${now.liveRelease.number} is live after #${second}`)
  assert.equal((await fetch(app.url)).status, 200)
})

journey('a variable is saved by a plan, and waits for the next deploy', { at: ({ app }) => `/apps/${app.id}/env` }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Add a variable' }).click()
  await page.getByRole('textbox', { name: 'Name' }).last().fill('GREETING')
  await page.getByLabel('Value of GREETING', { exact: true }).fill('<b>hello</b>')
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('link', { name: /Environment/ }).click()
  await page.getByRole('button', { name: 'Show the value of GREETING' }).first().click()
  assert.equal(await page.getByLabel('Value of GREETING', { exact: true }).inputValue(), '<b>hello</b>', 'what was typed outlives the tab')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const plan = page.getByRole('dialog')
  await plan.getByText('Add the variable GREETING').first().waitFor()
  await plan.getByRole('button', { name: /Save|Change/ }).last().click()
  await plan.waitFor({ state: 'detached' })
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByText('Saved, not yet in effect').waitFor()
  assert.deepEqual((await plane.app('hello-node')).settings.env.map(({ name }) => name), ['GREETING'])
})
