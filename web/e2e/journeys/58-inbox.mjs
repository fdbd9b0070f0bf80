// People in the loop: cards answered by keys, mouse, touch and buttons; undone in time; by two people at once.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { person, settled } from '../browser.mjs'
import { cardOf, colleague, drag, freeze, restarts } from '../cards.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

/** A decision is held for so long; what ends a run is sent after it. */
const HOLD_MS = 5_000

const { journey } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
  shared.kim = await colleague(shared.plane, 'Kim')
  shared.lee = await colleague(shared.plane, 'Lee')
  await freeze(shared.plane)
})

const runOf = (plane, run) => plane.call('GET', `/runs/${run.id}`)
const heading = (page) => page.locator('[data-swipe]:not([data-ghost]) h2')
/** Somebody's card, looked at alone. */
async function open({ plane, me, kim, app }, more = {}) {
  const [run] = await restarts(kim, app)
  const card = await cardOf(plane, run)
  const page = await me.open(`/inbox/${card.id}`)
  await settled(page)
  await heading(page).waitFor()
  return { run, card, page, ...more }
}
const told = (page, text) => page.getByRole('region', { name: 'Notices' }).getByText(text)
const isOff = (page, card) => page.waitForFunction((id) => !location.pathname.includes(id), card.id)

journey('by keys: approved, undone, approved again', { at: null }, async (world) => {
  const { plane } = world
  const { run, card, page } = await open(world)
  await page.keyboard.press('a')
  await told(page, 'Approved: Restart an app: hello-node').waitFor()
  await until('it is held', async () => (await runOf(plane, run)).heldUntil)
  await page.keyboard.press('u')
  await told(page, 'Approved: Restart an app: hello-node').waitFor({ state: 'detached' })
  const back = await until('it waits again', async () => cardOf(plane, run))
  assert.equal((await runOf(plane, run)).state, 'waiting')
  // Its new card is the one that is looked at: facts are shown anew before they are agreed to anew.
  await page.waitForFunction((id) => location.pathname.endsWith(id), back.id)
  assert.notEqual(back.id, card.id)
  await page.keyboard.press('a')
  assert.equal((await plane.settled(run.id)).done, 'succeeded')
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('Undo the last decision').waitFor()
})

journey('a link that names the run leads to its card, which says what it would do', { at: null }, async ({ plane, me, kim, app }) => {
  const [run] = await restarts(kim, app)
  const card = await cardOf(plane, run)
  const page = await me.open(`/inbox/${run.id}`)
  await heading(page).waitFor()
  await page.waitForFunction((id) => location.pathname.endsWith(id), card.id)
  const details = page.getByRole('region', { name: 'Details' })
  await details.getByRole('heading', { name: 'What it would do' }).waitFor()
  await details.getByText(`Start a fresh process of \`${app.name}\`, switch to it, stop the old one`).waitFor()
  await plane.call('POST', `/runs/${run.id}/reject`, { hash: card.hash })
})

journey('a rejection is sent when it cannot be undone any more', { at: null }, async (world) => {
  const { plane } = world
  const { run, card, page } = await open(world)
  await page.keyboard.press('r')
  await isOff(page, card)
  assert.equal((await runOf(plane, run)).state, 'waiting')
  await page.keyboard.press('Control+z')
  await page.waitForFunction((id) => location.pathname.endsWith(id), card.id)
  const began = Date.now()
  await page.keyboard.press('r')
  assert.equal((await plane.settled(run.id)).done, 'rejected')
  assert.ok(Date.now() - began >= HOLD_MS - 500, 'it was not held')
})

journey('a rejection is not lost with its page', { at: null }, async (world) => {
  const { plane } = world
  const { run, page } = await open(world)
  await page.keyboard.press('r')
  await told(page, /Rejected/).waitFor()
  await page.goto('about:blank')
  await until('it is rejected', async () => (await runOf(plane, run)).done === 'rejected', HOLD_MS - 1_500)
})

journey('by mouse: a little is a change of mind, far to the right approves', { at: null }, async (world) => {
  const { plane } = world
  const { run, page } = await open(world)
  await drag(page, { x: 50 })
  assert.equal(await told(page, /Approved/).count(), 0)
  assert.equal((await runOf(plane, run)).state, 'waiting')
  await drag(page, { x: 260 })
  await told(page, /Approved/).waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await until('it waits again', () => cardOf(plane, run))
  await drag(page, { x: -260 })
  await told(page, /Rejected/).waitFor()
  assert.equal((await plane.settled(run.id)).done, 'rejected')
})

journey('by touch on a phone: up for details, left rejects', { at: null, size: 'phone' }, async (world) => {
  const { plane } = world
  const { run, page } = await open(world)
  await drag(page, { y: -220, finger: true })
  const details = page.getByRole('dialog', { name: 'Details' })
  await details.getByText('Who else may decide').waitFor()
  await details.getByText('Lee').waitFor()
  await details.getByRole('button', { name: 'Close' }).click()
  await drag(page, { x: -180, finger: true })
  await told(page, /Rejected/).waitFor()
  assert.equal((await plane.settled(run.id)).done, 'rejected')
})

journey('by buttons on a phone', { at: null, size: 'phone' }, async (world) => {
  const { plane } = world
  const { run, page } = await open(world)
  await page.getByRole('button', { name: 'Approve' }).click()
  assert.equal((await plane.settled(run.id)).done, 'succeeded')
})

journey('somebody else was faster', { at: null }, async (world) => {
  const { plane, lee } = world
  const { run, card, page } = await open(world)
  await page.route('**/approve', async (route) => {
    await lee.post(`/runs/${run.id}/approve`, { hash: card.hash })
    await route.continue()
  })
  await page.keyboard.press('a')
  await told(page, /Lee was faster/).waitFor()
  await isOff(page, card)
  assert.equal((await plane.settled(run.id)).done, 'succeeded')
})

journey('a refusal puts the card back, and says so', { at: null }, async (world) => {
  const { plane } = world
  const { run, card, page } = await open(world)
  await page.route('**/approve', (route) => route.abort())
  await page.keyboard.press('a')
  await told(page, /The card is back/).waitFor()
  await page.waitForFunction((id) => location.pathname.endsWith(id), card.id)
  assert.equal((await runOf(plane, run)).state, 'waiting')
  await page.unroute('**/approve')
  // What is not what was shown any more is refused, and goes.
  await page.route('**/approve', async (route) => {
    await plane.call('POST', `/runs/${run.id}/cancel`)
    await route.continue()
  })
  await page.keyboard.press('a')
  await told(page, /not what is waiting for a decision any more/).waitFor()
  await isOff(page, card)
})

journey('edited: a new proposal in place of the card, after its plan', { at: null }, async ({ plane, me, kim, lee, app }) => {
  const { run } = await kim.post(`/apps/${app.id}/deploy`, { reference: 'no-such-branch' })
  const card = await cardOf(plane, run)
  const page = await me.open(`/inbox/${card.id}`)
  await heading(page).waitFor()
  await settled(page)
  await page.keyboard.press('e')
  const dialog = page.getByRole('dialog')
  assert.ok(await dialog.getByRole('button', { name: 'Show the plan' }).isDisabled())
  // The form of the action, as in the palette of the canvas: an app by its name, what is needed first.
  assert.equal(await dialog.getByLabel('App', { exact: true }).evaluate((select) => select.selectedOptions[0].textContent), 'hello-node')
  await dialog.getByLabel('App', { exact: true }).selectOption('')
  await dialog.getByText('It is needed.').waitFor()
  await dialog.getByLabel('Reference').fill('main')
  assert.ok(await dialog.getByRole('button', { name: 'Show the plan' }).isDisabled())
  await dialog.getByLabel('App', { exact: true }).selectOption({ label: 'hello-node' })
  assert.deepEqual(await violations(page, 'edit of a card'), [])
  await dialog.getByRole('button', { name: 'Show the plan' }).click()
  await dialog.getByText('Your edit is a new proposal, by you. The one that waited is rejected with it.').waitFor()
  await dialog.getByRole('button', { name: 'Propose: Deploy an app: hello-node' }).click()
  assert.equal((await plane.settled(run.id)).done, 'rejected')
  const mine = await until('the new one waits', async () => (await plane.call('GET', '/runs?state=waiting')).find(({ args }) => args.reference === 'main'))
  assert.equal(mine.actor.name, 'Admin')
  const { hash } = (await plane.call('GET', '/approvals')).find(({ runId }) => runId === mine.id)
  await lee.post(`/runs/${mine.id}/reject`, { hash })
})

journey('one decided elsewhere goes by itself, and its link says why', { at: null }, async (world) => {
  const { plane, lee, kim, app } = world
  const { run, card, page } = await open(world)
  const [other] = await restarts(kim, app)
  await lee.post(`/runs/${run.id}/reject`, { hash: card.hash })
  await page.getByText('This card is not in your inbox any more').waitFor()
  await page.getByRole('button', { name: 'To the next card' }).click()
  await heading(page).waitFor()
  await page.goto(`/inbox/${card.id}`)
  await page.getByText('It was decided.').waitFor()
  await lee.post(`/runs/${other.id}/reject`, { hash: (await cardOf(plane, other)).hash })
})

journey('who is not to decide is told why, and the card comes back', { at: null }, async (world) => {
  const { plane, me } = world
  const { run } = await plane.call('POST', `/apps/${world.app.id}/restart`)
  const own = (await plane.call('GET', '/approvals')).find((one) => one.runId === run.id)
  const page = await me.open(`/inbox/${own.id}`)
  await page.getByText(/Your voice does not count here/).waitFor()
  assert.ok(await page.getByRole('button', { name: 'Approve' }).isDisabled())
  await page.keyboard.press('a')
  assert.equal((await runOf(plane, run)).state, 'waiting')
  await plane.call('POST', `/runs/${run.id}/cancel`)
})

journey('later: it is gone for me until then', { at: null }, async (world) => {
  const { plane, lee } = world
  const { run, card, page } = await open(world)
  await page.keyboard.press('s')
  await page.getByRole('dialog').getByRole('button', { name: /In an hour/ }).click()
  await isOff(page, card)
  await until('it is put aside', async () => !(await cardOf(plane, run)))
  await page.keyboard.press('u')
  await until('it is back', () => cardOf(plane, run))
  await page.waitForFunction((id) => location.pathname.endsWith(id), card.id)
  await lee.post(`/runs/${run.id}/reject`, { hash: card.hash })
})

journey('several alike are decided together, a dangerous one never with them', { at: null }, async ({ plane, me, kim, app }) => {
  const runs = await restarts(kim, app, 3)
  const dangerous = []
  for (let at = 0; at < 2; at++) dangerous.push((await kim.del(`/apps/${app.id}`)).run)
  const page = await me.open('/inbox')
  await settled(page)
  await page.getByRole('list', { name: 'Cards, newest first' }).getByText('Dangerous').nth(1).waitFor()
  // Of two deletions that are alike no group is made.
  assert.equal(await page.getByRole('button', { name: 'Decide together' }).count(), 1)
  const hashes = await Promise.all(dangerous.map(async (run) => ({ runId: run.id, hash: (await cardOf(plane, run)).hash })))
  const refused = await plane.call('POST', '/inbox/batch', { verdict: 'approve', cards: hashes, comment: null })
  assert.deepEqual(refused.map(({ error }) => error.code), ['batch.dangerous', 'batch.dangerous'])
  for (const { runId, hash } of hashes) await plane.call('POST', `/runs/${runId}/reject`, { hash })
  await page.getByRole('button', { name: 'Decide together' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Dangerous cards are never decided together.').waitFor()
  await dialog.getByRole('button', { name: 'Approve these 3' }).click()
  await told(page, '3 cards approved').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  for (const run of runs) await until('it waits again', () => cardOf(plane, run))
  await page.getByRole('button', { name: 'Decide together' }).first().click()
  await dialog.getByRole('button', { name: 'Reject these 3' }).click()
  for (const run of runs) assert.equal((await plane.settled(run.id)).done, 'rejected')
})

for (const size of ['wide', 'phone']) {
  journey(`accessible in both themes, with cards and without: ${size}`, { at: null, size }, async (world) => {
    const { plane, lee } = world
    const { run, card, page } = await open(world)
    const found = await violations(page, 'inbox')
    if (size === 'phone') {
      await page.getByRole('button', { name: 'Details' }).click()
      await page.getByText('Who else may decide').waitFor()
      found.push(...(await violations(page, 'details')))
      await page.keyboard.press('Escape')
    }
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, 'wider than the screen')
    await page.waitForFunction(() => /^\(\d+\) /.test(document.title))
    await lee.post(`/runs/${run.id}/reject`, { hash: (await cardOf(plane, { id: card.runId })).hash })
    await page.goto('/inbox')
    await page.getByText('Nothing waits for you').waitFor()
    found.push(...(await violations(page, 'empty')))
    assert.deepEqual(found, [])
  })
}
