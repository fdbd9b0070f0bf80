// examples/workflows/staged-deploy.yaml: staging, its health, a person, and the very same commit in production.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { commitMore, keep, LONG_MS, makeApp, repository, said, seen, step } from '../examples.mjs'
import { world } from '../journey.mjs'

const { journey } = world({}, async (shared) => {
  const { plane } = shared
  const source = await repository(plane, 'shop')
  shared.staging = await makeApp(plane, 'shop-staging', source)
  shared.production = await makeApp(plane, 'shop', source)
  shared.workflow = await keep(plane, 'staged-deploy')
})
const timeout = 3 * LONG_MS

journey('a commit goes to staging, and to production once a person has agreed to it in the browser', { at: ({ workflow }) => `/workflows/${workflow.id}`, timeout }, async ({ page, plane, staging, production, workflow }) => {
  await page.getByRole('button', { name: 'Run', exact: true }).first().click()
  const form = page.getByRole('dialog', { name: `Run ${workflow.name}` })
  await form.getByLabel('staging').fill(staging.id)
  await form.getByLabel('production').fill(production.id)
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: `Run ${workflow.name}` })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: `Run ${workflow.name}` }).click()
  await page.waitForURL(/\/workflows\/runs\/[0-9a-f-]{36}/)
  const run = page.url().split('/').at(-1)

  // The step that asks is open by itself, and shows what the decision is about.
  const card = page.getByRole('region', { name: 'This step waits for you' })
  await card.waitFor({ timeout: LONG_MS })
  const deployed = await said(plane, staging)
  await card.getByText(deployed.commit, { exact: true }).waitFor()
  await card.getByText('The first page').waitFor()
  assert.equal((await plane.app('shop')).liveRelease, null, 'nothing is in production before somebody has agreed')
  // What was pushed meanwhile is not what was agreed to.
  await commitMore(plane, 'shop', 'Pushed while a person thinks')
  await card.getByRole('textbox', { name: 'Comment' }).fill('Looks well')
  await card.getByRole('button', { name: 'Approve' }).click()

  const last = page.locator('[data-step=production]')
  await last.getByText('Succeeded').first().waitFor({ timeout: LONG_MS })
  await page.getByRole('status').getByText('Succeeded').waitFor()
  const live = await said(plane, production)
  assert.equal(live.commit, deployed.commit)
  const execution = await seen(plane, run, 'the run is over', ({ done }) => done)
  assert.equal(execution.done, 'succeeded')
  assert.deepEqual(execution.output, { commit: deployed.commit, staging: 'running', inProduction: true })

  // Its log stands with the step that deployed.
  await last.getByRole('button').first().click()
  await last.getByRole('link', { name: /Deploy/ }).waitFor()
  await last.getByText(/fetch done: .* The first page/).waitFor()
})

journey('what a person rejects does not reach production, and can be run again from there', { at: null, timeout }, async ({ me, plane, staging, production, workflow }) => {
  const before = await said(plane, production)
  const { run } = await plane.call('POST', `/workflows/${workflow.id}/execute`, { input: { staging: staging.id, production: production.id } })
  await seen(plane, run.id, 'a person is asked', (execution) => step(execution, 'agree')?.state === 'asked')
  const fresh = await said(plane, staging)
  assert.notEqual(fresh.commit, before.commit, 'staging has the newest commit')

  // From Home to the card, which shows the commit, and to the step that asks.
  const page = await me.open('/')
  await settled(page)
  await page.getByRole('link', { name: 'Decide' }).first().click()
  await page.getByRole('table').getByText(fresh.commit).waitFor()
  await page.getByRole('link', { name: 'Open the run' }).click()
  await page.waitForURL(`**/workflows/runs/${run.id}?step=agree`)
  await page.getByRole('region', { name: 'This step waits for you' }).getByRole('button', { name: 'Reject' }).click()
  await page.getByRole('status').getByText('Failed').waitFor()
  assert.equal((await said(plane, production)).pid, before.pid, 'production goes on as it was')

  // A fork asks again, and staging is not deployed anew.
  await page.locator('[data-step=agree]').getByRole('button', { name: 'Run again from this step' }).click()
  const form = page.getByRole('dialog', { name: 'Run again' })
  assert.equal(await form.getByLabel('From').inputValue(), 'agree')
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Run again from agree' })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Run again from agree' }).click()
  await page.waitForURL((url) => !url.pathname.endsWith(run.id) && url.pathname.startsWith('/workflows/runs/'))
  await page.getByRole('region', { name: 'This step waits for you' }).getByRole('button', { name: 'Approve' }).click()
  await page.locator('[data-step=production]').getByText('Succeeded').first().waitFor({ timeout: LONG_MS })
  assert.deepEqual(await said(plane, production).then(({ commit }) => commit), fresh.commit)
  assert.equal((await said(plane, staging)).pid, fresh.pid, 'staging was not deployed anew')
  // Both are in the tree of forks, and each leads to the other.
  const tree = page.getByRole('list', { name: 'Tree of forks' })
  await tree.getByRole('link', { name: 'The first run' }).click()
  await page.waitForURL(`**/workflows/runs/${run.id}`)
  await tree.getByRole('link', { name: 'Again from agree' }).waitFor()
})
