// Workflows: looked at, checked while they are typed, run, and looked through step by step.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { settled } from '../browser.mjs'
import { checkedUp, LOOK, runOf } from '../content.mjs'
import { until } from '../plane.mjs'
import { world } from '../journey.mjs'

const { journey } = world({}, async (shared) => {
  const { plane } = shared
  shared.workflow = await plane.call('POST', '/workflows', { document: LOOK })
  shared.checked = await checkedUp(plane, await plane.app('hello-node'))
})

journey('a workflow is found, run with its input, and its steps are there to be opened', { at: '/workflows' }, async ({ page, workflow }) => {
  await page.getByRole('link', { name: workflow.name }).click()
  await settled(page)
  await page.getByRole('button', { name: 'Run', exact: true }).first().click()
  const form = page.getByRole('dialog', { name: `Run ${workflow.name}` })
  await form.getByLabel('note').fill('hello')
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: `Run ${workflow.name}` })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: `Run ${workflow.name}` }).click()
  await page.waitForURL(/\/workflows\/runs\/[0-9a-f-]{36}/)
  const step = page.locator('[data-step=look]')
  await step.getByText('Succeeded').waitFor({ timeout: 30_000 })
  await step.getByRole('button').first().click()
  await step.getByText('What came of it').first().waitFor()
})

journey('a document is checked while it is typed', { at: '/workflows/new' }, async ({ page }) => {
  const field = page.getByLabel('Document of the workflow, YAML or JSON')
  await field.fill('workflow: 1\nname: w\nsteps:\n  - { id: a }\n')
  await page.getByText('steps[0]').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Review and create' }).isDisabled(), 'what is wrong is not saved')
  await field.fill('workflow: 1\nname: w\nsteps:\n  - { id: a, query: /health }\n')
  await page.getByText('It can be saved: 1 step.').waitFor()
})

journey('the page of a run tells of one that is over', { at: null }, async ({ plane, me, workflow }) => {
  const run = await runOf(plane, workflow)
  const page = await me.open(`/workflows/runs/${run.id}`)
  await settled(page)
  await page.getByRole('heading', { name: `Run of ${workflow.name}` }).waitFor()
  await page.getByText('1 of 1 known step ended').waitFor()
})

journey('an open run goes on by another version, once its plan was looked at', { at: ({ checked }) => `/workflows/runs/${checked.asked.id}` }, async ({ page, plane, checked }) => {
  await page.getByRole('link', { name: 'v1' }).waitFor()
  await page.getByRole('button', { name: 'Change version' }).click()
  const choose = page.getByRole('dialog', { name: 'Go on by another version' })
  assert.equal(await choose.getByLabel('Version').inputValue(), '2')
  await choose.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Go on by version 2' })
  await plan.getByText('New: `after`.').waitFor()
  await plan.getByText('Left, in both versions: `agree`.').waitFor()
  assert.equal((await plane.call('GET', `/workflow-executions/${checked.asked.id}`)).version, 1, 'a plan changes nothing')
  await plan.getByRole('button', { name: 'Go on by version 2' }).click()
  await page.getByRole('link', { name: 'v2' }).waitFor()
  const card = page.getByRole('region', { name: 'This step waits for you' })
  await card.getByRole('button', { name: 'Approve' }).click()
  await page.locator('[data-step=after]').getByText('Succeeded').waitFor({ timeout: 30_000 })
  await page.getByRole('status').getByText('Succeeded').waitFor()
})

/** What the page saves as a file. */
async function exported(page) {
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  return JSON.parse(await readFile(await (await download).path(), 'utf8'))
}

journey('a run that failed opens its failing step, tells of its tries, and is saved whole as a file', { at: null }, async ({ me, plane, checked }) => {
  const page = await me.open(`/activity?q=workflow.run`)
  await settled(page)
  // Whatever names a run of a workflow leads to its steps.
  await page.getByRole('link', { name: 'Run', exact: true }).last().click()
  await page.waitForURL(/\/workflows\/runs\//)
  // Whoever leaves while a part of the page comes gets an error for it.
  await settled(page)
  await page.goto(`/runs/${checked.failed.id}`)
  await page.getByRole('link', { name: 'Open its steps' }).click()
  await page.waitForURL(`**/workflows/runs/${checked.failed.id}`)
  const step = page.locator('[data-step=restart]')
  await step.getByText('2 tries').waitFor()
  await step.getByText('Try 1:').waitFor()
  const saved = await exported(page)
  assert.equal(saved.runId, checked.failed.id)
  assert.equal(saved.failedStep, 'restart')

  // What is too large for the page is in the file.
  const large = await plane.call('POST', '/workflows', { document: 'workflow: 1\nname: large\nsteps: [{ id: all, query: /actions }]' })
  const run = await runOf(plane, large, null)
  assert.ok((await plane.call('GET', `/workflow-executions/${run.id}`)).steps[0].outputLeftOut)
  await settled(page)
  await page.goto(`/workflows/runs/${run.id}`)
  const [all] = (await exported(page)).steps
  assert.equal(all.outputLeftOut, false)
  assert.deepEqual(all.output, await plane.call('GET', '/actions'))

  // Lists tell how each ended, and find those that ended so.
  await settled(page)
  await page.goto(`/workflows/${checked.workflow.id}`)
  await page.getByRole('row').filter({ hasText: checked.failed.id.slice(-8) }).getByText('Failed').waitFor()
  await page.getByLabel('State').selectOption('failed')
  await until('only those that failed are listed', async () => (await page.getByRole('row').count()) === 2)
})

journey('an open run is cancelled, and its list says so', { at: ({ checked }) => `/workflows/${checked.workflow.id}` }, async ({ page, plane, checked }) => {
  const { run } = await plane.call('POST', `/workflow-executions/${checked.asked.id}/fork`, { step: 'agree' })
  await page.getByRole('row').filter({ hasText: run.id.slice(-8) }).getByRole('link').first().click()
  await page.locator('[data-step=agree]').getByText('Asks a person').waitFor()
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  const plan = page.getByRole('dialog')
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Stop this run' }).click()
  await page.getByRole('status').getByText('Cancelled').waitFor()
  await page.goto(`/workflows/${checked.workflow.id}`)
  await page.getByRole('row').filter({ hasText: run.id.slice(-8) }).getByText('Cancelled').waitFor()
})
