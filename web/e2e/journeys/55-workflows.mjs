// Workflows: looked at, checked while they are typed, run, and looked through step by step.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { LOOK, runOf } from '../content.mjs'
import { world } from '../journey.mjs'

const { journey } = world({}, async (shared) => {
  shared.workflow = await shared.plane.call('POST', '/workflows', { document: LOOK })
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
