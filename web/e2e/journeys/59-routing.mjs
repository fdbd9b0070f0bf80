// What runs by itself: rules with their dry run, what was learnt, deputies, a held decision on a run's page.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { cardOf, colleague, freeze, restarts } from '../cards.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const { journey } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
  shared.kim = await colleague(shared.plane, 'Kim')
})
const rules = (plane) => plane.call('GET', '/routing-rules')
const apply = async (page) => {
  await page.getByRole('button', { name: 'Review the change' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Change what runs by itself' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

journey('gates are moved after what they would have changed was seen', { at: '/settings/routing' }, async ({ plane, page }) => {
  await page.getByText('Nothing is changed.').waitFor()
  const gate = page.getByLabel(/Run silently from/)
  await gate.focus()
  for (let at = 0; at < 5; at++) await page.keyboard.press('ArrowRight')
  await page.getByText('Below 70 a person is asked; from 70 it runs and people are told; from 95 it runs silently.').waitFor()
  await page.getByText(/Nothing: the last \d+ decisions? would have been the same/).waitFor()
  await apply(page)
  assert.equal((await rules(plane)).rules.autoAt, 95)
  await page.getByText('Nothing is changed.').waitFor()
  await page.getByRole('button', { name: 'As above' }).click()
  await apply(page)
  assert.equal((await rules(plane)).rules.autoAt, undefined)
})

journey('a freeze every week, and who decides meanwhile', { at: '/settings/routing' }, async ({ plane, kim, page }) => {
  await page.getByRole('button', { name: 'Add a freeze' }).click()
  await page.getByLabel('What it is for').fill('no changes on weekends')
  await page.getByText('Every week').click()
  await page.getByText('Sat', { exact: true }).click()
  await page.getByLabel('By the clock of').selectOption('UTC')
  await page.getByRole('button', { name: 'Add a rule' }).click()
  await page.getByLabel('So many have to agree').fill('1')
  await page.getByLabel('Only these: Choose somebody…').selectOption(kim.user.id)
  const found = await violations(page, 'rules')
  assert.deepEqual(found, [])
  await apply(page)
  const { rules: now } = await rules(plane)
  assert.deepEqual(now.freezes, [{ name: 'no changes on weekends', when: { kind: 'weekly', days: [5, 6], from: '18:00', minutes: 3720, timezone: 'UTC' } }])
  assert.deepEqual(now.approvals, [{ actions: ['*'], quorum: 1, approvers: [kim.user.id] }])
})

journey('what somebody else has changed meanwhile is not written over', { at: '/settings/routing' }, async ({ plane, page }) => {
  await page.getByLabel(/Looked back at/).fill('50')
  const { version } = await rules(plane)
  await plane.call('PUT', '/routing-rules', { from: version, rules: { neverAuto: ['app.delete'] } })
  await page.getByRole('button', { name: 'Review the change' }).click()
  await page.getByRole('dialog').getByRole('alert').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.reload()
  await page.getByText('Delete an app (app.delete)').first().waitFor()
  assert.deepEqual((await rules(plane)).rules, { neverAuto: ['app.delete'] })
})

journey('a deputy decides for a while', { at: '/settings/deputies', size: 'phone' }, async ({ plane, kim, page }) => {
  await page.getByText('Nobody decides for you.').waitFor()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByText('Choose somebody, and until when.').waitFor()
  await page.getByLabel('Who', { exact: true }).selectOption(kim.user.id)
  const soon = new Date(Date.now() + 3 * 86_400_000)
  await page.getByLabel('Until', { exact: true }).fill(soon.toISOString().slice(0, 16))
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Let Kim decide for you' }).click()
  await page.getByText('Kim decides for you').waitFor()
  assert.equal((await plane.call('GET', '/deputies'))[0].toUserId, kim.user.id)
  assert.deepEqual(await violations(page, 'deputies'), [])
  await page.getByRole('button', { name: 'Take back Kim as deputy' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take back Kim as deputy' }).click()
  await page.getByText('Nobody decides for you.').waitFor()
})

journey('a run that failed is a card too, and is put away', { at: null }, async ({ plane, me, app }) => {
  const failed = await plane.deploy(app, { reference: 'broken-health' })
  const page = await me.open('/inbox?kind=failed')
  await settled(page)
  await page.getByText('Why it failed').waitFor()
  await page.getByRole('button', { name: 'Open the run' }).waitFor()
  await page.keyboard.press('r')
  await page.getByText('No card of this kind waits for you.').waitFor()
  await until('it is put away', async () => (await plane.call('GET', '/inbox/count')).failed === 0)
  await page.keyboard.press('u')
  await page.getByText('Why it failed').waitFor()
  await page.getByRole('button', { name: 'Put away' }).click()
  await until('it is put away', async () => !(await plane.call('GET', '/inbox')).some(({ runId }) => runId === failed.id))
})

journey('a decision is taken back on the run’s page while it is held', { at: null }, async ({ plane, me, kim, app }) => {
  await freeze(plane)
  const [run] = await restarts(kim, app)
  const page = await me.open(`/runs/${run.id}`)
  await settled(page)
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByRole('button', { name: 'Take it back' }).click()
  await page.getByRole('region', { name: 'This run waits for you' }).waitFor()
  assert.equal((await plane.call('GET', `/runs/${run.id}`)).state, 'waiting')
  const { run: own } = await plane.call('POST', `/apps/${app.id}/restart`)
  await page.goto(`/runs/${own.id}`)
  await page.getByText(/It waits for somebody else/).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0)
  await page.goto('/')
  await page.getByRole('link', { name: 'Decide' }).first().click()
  await page.locator('[data-swipe] h2').waitFor()
  await plane.call('POST', `/runs/${run.id}/reject`, { hash: (await cardOf(plane, run)).hash })
  await plane.call('POST', `/runs/${own.id}/cancel`)
  await until('nothing waits', async () => (await plane.call('GET', '/inbox/count')).approvals === 0)
})

journey('where two have to agree, a voice is counted and the other waited for', { at: null }, async ({ plane, me, kim, app }) => {
  const lee = await colleague(plane, 'Lee')
  await freeze(plane, { approvals: [{ actions: ['app.*'], quorum: 2, fourEyes: true }] })
  const [run] = await restarts(kim, app)
  const card = await cardOf(plane, run)
  const page = await me.open(`/inbox/${card.id}`)
  await page.getByText('0 of 2 agreed').first().waitFor()
  await page.keyboard.press('a')
  await page.getByText('Your voice is counted; 1 more person has to agree').waitFor()
  assert.equal((await plane.call('GET', `/runs/${run.id}`)).state, 'waiting')
  await page.goto(`/runs/${run.id}`)
  await page.getByText('1 of 2 agreed: Admin').waitFor()
  await lee.post(`/runs/${run.id}/approve`, { hash: card.hash })
  assert.equal((await plane.settled(run.id)).done, 'succeeded')
})

journey('where nothing was learnt, it says what will be', { at: '/learning' }, async ({ page }) => {
  await page.getByText('Nothing was learnt yet').waitFor()
})
