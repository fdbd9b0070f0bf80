// An AI agent: its key made on the page, what it asks for over REST, its card, its record, and looking back at what it did.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const NAME = 'release bot'
/** docs/reference/confidence.md: so many good renames, and people are told instead of asked. */
const TOLD_FROM = 4

const { journey, shared } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
  shared.projects = []
  for (let at = 0; at < TOLD_FROM; at++) shared.projects.push(await shared.plane.call('POST', '/projects', { name: `project ${at}` }))
  const { version } = await shared.plane.call('GET', '/routing-rules')
  await shared.plane.call('PUT', '/routing-rules', { from: version, rules: { samplePermille: 1000 } })
})

/** Asks the API as the agent. */
async function asAgent(method, path, body) {
  const headers = { authorization: `Bearer ${shared.key}`, 'content-type': 'application/json' }
  const answer = await fetch(`${shared.plane.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
  return { status: answer.status, ...(await answer.json()) }
}
const rename = (project, name) => asAgent('PATCH', `/projects/${project.id}`, { name })

journey('a key for an AI agent is made, and marked as one', { at: '/settings/tokens' }, async ({ plane, page }) => {
  await page.getByRole('button', { name: 'New key' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('What it asks for, you ask for').waitFor()
  await dialog.getByText('An AI agent', { exact: true }).click()
  await dialog.getByText('It decides nothing, and makes no keys.').waitFor()
  await dialog.getByLabel('What is it for?').fill(NAME)
  assert.deepEqual(await violations(page, 'a new key'), [])
  await dialog.getByRole('button', { name: 'Create the key' }).click()
  const once = page.getByRole('status').filter({ hasText: 'Copy it now' })
  await once.getByText('Give the AI agent this key, and none of your own.').waitFor()
  shared.key = await once.locator('code').first().textContent()
  await page.getByRole('list', { name: 'API keys' }).getByRole('listitem').filter({ hasText: NAME }).getByText('AI agent', { exact: true }).waitFor()
  assert.deepEqual(await violations(page, 'keys'), [])
  shared.agent = (await plane.call('GET', '/tokens')).find(({ name }) => name === NAME)
  assert.equal(shared.agent.speaksFor, 'ai')
  assert.equal((await asAgent('POST', '/tokens', { name: 'more', days: 1 })).error.code, 'actor.not_a_person')
})

journey('the same on a phone', { at: '/settings/tokens', size: 'phone' }, async ({ page }) => {
  await page.getByText('AI agent', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'New key' }).first().click()
  await page.getByRole('dialog').getByText('An AI agent', { exact: true }).click()
  assert.deepEqual(await violations(page, 'a new key, phone'), [])
})

journey('its card says who it is, how sure it was, and what that is worth', { at: null }, async ({ plane, me, app }) => {
  const { status, data } = await asAgent('POST', `/apps/${app.id}/deploy`, { confidence: 95 })
  assert.equal(status, 202)
  const { id } = data.run
  const card = (await plane.call('GET', '/inbox')).find(({ runId }) => runId === id)
  assert.ok(card.confidence < 70, JSON.stringify(card))
  const page = await me.open(`/inbox/${card.id}`)
  await settled(page)
  const face = page.locator('[data-swipe]:not([data-ghost])')
  await face.getByText(new RegExp(`^Proposed by ${NAME}, an AI agent of `)).waitFor()
  await face.getByText(`${card.confidence} of 100 sure`).waitFor()
  await face.getByText(/it reported 95/).waitFor()
  assert.deepEqual(await violations(page, 'card'), [])
  await page.setViewportSize({ width: 390, height: 844 })
  assert.deepEqual(await violations(page, 'card, phone'), [])
  await plane.call('POST', `/runs/${id}/reject`, { hash: card.hash })
})

journey('what people agreed to becomes its record, and the page draws it', { at: null }, async ({ plane, me, projects }) => {
  const asked = await Promise.all(projects.map((project, at) => rename(project, `renamed ${at}`)))
  assert.deepEqual(asked.map(({ status }) => status), projects.map(() => 202))
  const cards = (await plane.call('GET', '/inbox?kind=approval')).map(({ runId, hash }) => ({ runId, hash }))
  await plane.call('POST', '/inbox/batch', { verdict: 'approve', cards })
  for (const { data } of asked) assert.equal((await plane.settled(data.run.id)).done, 'succeeded')
  assert.equal((await rename(projects[0], 'by itself')).status, 200)
  const page = await me.open('/learning')
  await settled(page)
  const groups = page.getByRole('region', { name: 'By action and agent' })
  const row = groups.getByRole('row').filter({ hasText: 'project.rename' })
  await row.getByText(NAME).waitFor()
  await row.getByText(`${TOLD_FROM + 1} of ${TOLD_FROM + 1}`).waitFor()
  await groups.getByRole('row').filter({ hasText: 'app.deploy' }).getByText('0 of 1').waitFor()
  await page.getByText('Known decisions').waitFor()
  assert.ok((await page.locator('svg circle').count()) > 0, 'the curve has points')
  await page.getByText('a person refused').first().waitFor()
  assert.deepEqual(await violations(page, 'learning'), [])
  await page.getByText('Table', { exact: true }).click()
  assert.deepEqual(await violations(page, 'learning as a table'), [])
  await page.setViewportSize({ width: 390, height: 844 })
  assert.deepEqual(await violations(page, 'learning, phone'), [])
})

journey('what ran by itself is looked back at', { at: null, size: 'phone' }, async ({ plane, me }) => {
  const [card] = await plane.call('GET', '/inbox?kind=review')
  assert.equal(card.proposer.agentName, NAME)
  const page = await me.open('/inbox?kind=review')
  await settled(page)
  await page.getByText('Was this right?').first().waitFor()
  assert.deepEqual(await violations(page, 'review, phone'), [])
  await page.keyboard.press('a')
  await until('it is answered', async () => (await plane.call('GET', '/inbox/count')).reviews === 0)
  const [sample] = await plane.call('GET', `/learning/samples?agent=${shared.agent.id}`)
  assert.deepEqual([sample.source, sample.good, sample.runId], ['reviewedGood', true, card.runId])
})
