// Monitoring of a real server on a real node: nothing is watched, a rule is made through its plan, it is crossed, somebody is told, and
// it is over when the rule goes; the course of the server over several ranges.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { fits } from '../plan.mjs'
import { clone, until } from '../plane.mjs'

/** A sample comes every 30 s. */
const SAMPLE_MS = 75_000
/** A journey that waits for one. */
const LONG_MS = 120_000

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  const node = await plane.node()
  const ctrl = await plane.call('POST', '/ctrls', { name: 'Watched' })
  const document = JSON.parse(readFileSync(join(clone, 'examples/servers/echo.json'), 'utf8'))
  const { alt } = await plane.call('POST', '/alts', { ctrlId: ctrl.id, document })
  const limits = { memory: 64 * 1_024 ** 2, disk: 64 * 1_024 ** 2 }
  const server = await plane.call('POST', '/servers', { name: 'watched', altId: alt.id, nodeId: node.id, ports: 0, settings: { limits } })
  const is = (field, word) => until(`it is ${word}`, async () => (await plane.call('GET', `/servers/${server.id}`))[field] === word, 60_000)
  await is('install', 'installed')
  await plane.call('POST', `/servers/${server.id}/power`, { verb: 'start' })
  await is('state', 'running')
  shared.server = server
})

async function apply(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name, exact: true }).click()
  await plan.waitFor({ state: 'detached' })
}
const alerts = (plane, state) => plane.call('GET', `/monitoring/alerts?state=${state}`)

journey('without a rule the page teaches what one is, and refuses what means nothing', { at: '/monitoring' }, async ({ page, plane }) => {
  await page.getByRole('heading', { name: 'Be told before people complain' }).waitFor()
  await page.getByText('Nothing is watched yet').waitFor()
  assert.deepEqual(await violations(page, 'monitoring without rules'), [])
  await page.getByRole('button', { name: 'New rule' }).click()
  const form = page.getByRole('form', { name: 'New alert rule' })
  await form.getByLabel('Value of the line').fill('NaN')
  await form.getByLabel('For minutes').fill('90')
  await form.getByRole('button', { name: 'See the plan' }).click()
  for (const why of ['Give it a name.', 'A whole number from 1 to 1,000.', 'A number from 0 to 60.']) await form.getByText(why).waitFor()
  assert.ok(await form.getByLabel('Name').evaluate((field) => field === document.activeElement), 'the first that was refused has the focus')
  assert.deepEqual(await violations(page, 'a rule that is refused'), [])
  await page.keyboard.press('Escape')
  assert.deepEqual(await plane.call('GET', '/monitoring/rules'), [])
})

journey('a rule is made through its plan, crossed, and told', { at: '/monitoring', timeout: LONG_MS }, async ({ page, plane, server }) => {
  await page.getByRole('button', { name: 'New rule' }).click()
  const form = page.getByRole('form', { name: 'New alert rule' })
  await form.getByLabel('Name').fill('anything-runs')
  await form.getByLabel('What', { exact: true }).selectOption('Processes')
  await form.getByLabel('Line', { exact: true }).selectOption('processes')
  await form.getByLabel('Value of the line').fill('1')
  await form.getByLabel('For minutes').fill('0')
  await form.getByLabel('Of which servers').selectOption('Server')
  await form.getByLabel('Which', { exact: true }).selectOption('watched')
  await form.getByRole('button', { name: 'See the plan' }).click()
  const plan = page.getByRole('dialog', { name: 'Make the rule anything-runs' })
  await plan.getByText('The rule `anything-runs` watches the server `watched`.').waitFor()
  await plan.getByText(/Over the last day it would have raised/).waitFor()
  assert.deepEqual(await plane.call('GET', '/monitoring/rules'), [], 'a plan makes nothing')
  await apply(page, 'Make the rule anything-runs')
  const rules = page.getByRole('list', { name: 'Alert rules' })
  await rules.getByText('Processes at or above 1, at once').waitFor()
  await until('it is crossed', async () => (await alerts(plane, 'open')).length === 1, SAMPLE_MS)
  const list = page.getByRole('list', { name: 'Alerts', exact: true })
  await list.getByRole('link', { name: 'watched' }).waitFor({ timeout: 35_000 })
  await rules.getByText('1 alert', { exact: true }).waitFor()
  await page.getByRole('heading', { name: 'Busiest' }).waitFor()
  assert.deepEqual(await violations(page, 'monitoring with an alert'), [])
  shared.alert = (await alerts(plane, 'open'))[0]
  assert.equal(shared.alert.serverId, server.id)
})

journey('its card in the inbox leads to the server', { at: () => `/inbox/${shared.alert.id}` }, async ({ page }) => {
  await page.getByText('A server has crossed the line of an alert rule').first().waitFor()
  await page.getByText(/its number of processes was at \d+, at or above 1/).first().waitFor()
  await page.getByRole('button', { name: /^Open/ }).or(page.getByRole('link', { name: /^Open/ })).first().click()
  await page.getByRole('heading', { level: 1, name: 'watched' }).waitFor()
  await page.getByRole('heading', { name: 'Memory' }).waitFor()
})

journey('the course of a server has ranges, and is readable as a table, in the light', { at: ({ server }) => `/servers/${server.id}/monitoring`, theme: 'light' }, async ({ page }) => {
  for (const name of ['CPU', 'Memory', 'Disk', 'Processes']) await page.getByRole('heading', { name, exact: true }).waitFor()
  await page.getByText('It may use 64.0 MB.').first().waitFor()
  await page.getByText(/It ran for/).waitFor()
  await page.getByRole('group', { name: 'Range' }).getByText('24 h', { exact: true }).click()
  await page.waitForURL(/range=24h/)
  await settled(page)
  assert.deepEqual(await violations(page, 'monitoring of a server, light'), [])
  // A range that nobody has heard of is the usual one.
  await page.goto(`${page.url().split('?')[0]}?range=%3Cb%3E`)
  await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor()
})

journey('on a phone a rule is changed, switched off and deleted; what was stays', { at: '/monitoring', size: 'phone' }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Change anything-runs' }).click()
  await fits(page)
  const form = page.getByRole('form', { name: 'Change anything-runs' })
  await form.getByLabel('Judge it').uncheck()
  await form.getByRole('button', { name: 'See the plan' }).click()
  await apply(page, 'Change the rule anything-runs')
  await until('what it had raised has ended', async () => (await alerts(plane, 'open')).length === 0)
  await page.getByRole('list', { name: 'Alert rules' }).getByText('Off', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Delete anything-runs' }).click()
  await apply(page, 'Delete the rule anything-runs')
  await page.getByRole('heading', { name: 'Be told before people complain' }).waitFor()
  await page.getByRole('list', { name: 'What was' }).getByText('the rule was changed or deleted').waitFor()
  await fits(page)
  assert.deepEqual(await violations(page, 'monitoring on a phone'), [])
})
