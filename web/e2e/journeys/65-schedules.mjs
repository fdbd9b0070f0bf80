// Commands by the clock: one is made by keyboard and runs by itself on a real node; what it said is seen; one that fails raises
// an alert that a good run ends.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { apply, carriedOut, tabTo } from '../plan.mjs'
import { until } from '../plane.mjs'

/** Every minute, and the node's word of it. */
const CLOCK_MS = 90_000
/** A journey that waits for the clock. */
const LONG_MS = 150_000
const PASSWORD = 'nine herons over a slow weir'

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  const files = { 'index.html': 'what people see', 'count.sh': 'echo "counted for $SERVERFLOW_SCHEDULE: $1 <b>&</b>"\nexit "$2"\n' }
  const repository = await plane.repository('shop', [{ message: 'One', files }])
  shared.app = await plane.call('POST', '/apps', { name: 'shop', nodeId: (await plane.node()).id, settings: { repository, reference: 'main', build: { builder: 'static' } } })
  const deployed = await plane.deploy(shared.app)
  assert.equal(deployed.done, 'succeeded', JSON.stringify(deployed.outcome))
  // One that goes wrong by the clock while the first journey is under way.
  shared.hello = await plane.app('hello-node')
  const settings = { cron: '* * * * *', command: ['sh', '-c', 'echo it cannot sweep >&2; exit 3'] }
  const { run } = await plane.call('PUT', `/apps/${shared.hello.id}/schedules/sweep`, { settings })
  assert.equal((await plane.settled(run.id)).done, 'succeeded')
})

const at = ({ app }) => `/apps/${app.id}/schedules`
const schedules = (plane, app = shared.app) => plane.call('GET', `/apps/${app.id}/schedules`)
const runsOf = (plane, name, app = shared.app) => plane.call('GET', `/apps/${app.id}/schedules/${name}/runs`)


journey('one is made by keyboard alone, refused where it is wrong, and runs by itself', { at, timeout: LONG_MS }, async ({ page, plane }) => {
  await page.getByText('Nothing of this app runs by the clock').waitFor()
  await page.getByText('30 2 * * *').waitFor()
  await tabTo(page, page.getByRole('button', { name: 'Make a schedule' }), 'the button')
  await page.keyboard.press('Enter')
  const form = page.getByRole('form', { name: 'A new schedule' })
  const hasFocus = (target) => until('it has the focus', () => target.evaluate((element) => element === document.activeElement))
  await hasFocus(form.getByLabel('Name'))
  await page.keyboard.press('Enter')
  await form.getByText('A schedule needs a name.').waitFor()
  await form.getByText('A schedule needs a command.').waitFor()
  await hasFocus(form.getByLabel('Name'))
  await page.keyboard.type('count-up')
  await page.keyboard.press('Tab')
  await page.keyboard.type('61 * * * *')
  await tabTo(page, form.getByLabel(/Command, one word a line/), 'the command')
  await page.keyboard.type('sh\ncount.sh\ntwo words\n0')
  await tabTo(page, form.getByRole('button', { name: 'Review' }), 'the button of the form')
  await page.keyboard.press('Enter')
  // The dry run refuses, beside the field.
  const cron = form.getByLabel('When, as a cron line')
  await form.getByRole('alert').getByText(/minute/).waitFor()
  await hasFocus(cron)
  assert.equal(await cron.getAttribute('aria-invalid'), 'true')
  await page.keyboard.press('Control+a')
  await page.keyboard.type('* * * * *')
  await form.getByText('That is: every minute.').waitFor()
  await page.keyboard.press('Enter')
  const plan = page.getByRole('dialog', { name: 'Have shop run count-up by the clock' })
  await plan.getByText(/"sh" "count.sh" "two words" "0", at/).waitFor()
  assert.deepEqual(await schedules(plane), [], 'the plan has done nothing')
  await tabTo(page, plan.getByRole('button', { name: 'Have shop run count-up by the clock' }), 'the button of the plan')
  await page.keyboard.press('Enter')
  await plan.waitFor({ state: 'detached' })
  await carriedOut(page)
  const item = page.getByRole('list', { name: 'Schedules' }).getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'count-up' }) })
  await item.getByText('On', { exact: true }).waitFor()
  await item.getByText('every minute').waitFor()
  await item.getByText('sh count.sh "two words" 0').waitFor()
  await tabTo(page, item.getByRole('button', { name: 'History of count-up' }), 'its history')
  await page.keyboard.press('Enter')
  const runs = page.getByRole('region', { name: 'Runs of count-up' })
  // By itself, and without asking for it.
  await runs.getByText('By the clock').first().waitFor({ timeout: CLOCK_MS })
  await runs.getByText('Succeeded').first().waitFor()
  await runs.getByText('counted for count-up: two words <b>&</b>').first().waitFor()
  await runs.getByText('ended with 0').first().waitFor()
  const [run] = await runsOf(plane, 'count-up')
  assert.deepEqual([run.why, run.state, run.exitCode], ['clock', 'succeeded', 0])
  await page.reload()
  await runs.getByText('counted for count-up').first().waitFor()
  const next = await item.locator('ol').first().getByRole('listitem').allTextContents()
  assert.equal(next.length, 3, next.join('; '))
})

journey('it is switched off and run by hand, on a phone', { at, size: 'phone' }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Change count-up' }).click()
  const form = page.getByRole('form', { name: 'Change count-up' })
  assert.equal(await form.getByLabel(/Command, one word a line/).inputValue(), 'sh\ncount.sh\ntwo words\n0')
  await form.getByLabel('Run it by the clock').uncheck()
  await form.getByLabel('Seconds it gets').fill('0')
  await form.getByRole('button', { name: 'Review' }).click()
  await form.getByRole('alert').getByText(/^Between 1 s and 24 h/).waitFor()
  await form.getByLabel('Seconds it gets').fill('30')
  await form.getByRole('button', { name: 'Review' }).click()
  await apply(page, 'Change the schedule count-up of shop')
  await form.waitFor({ state: 'detached' })
  await page.getByText('It is switched off; it runs by hand alone.').waitFor()
  await until('its node has it so', async () => (await schedules(plane))[0].inStep)
  await page.getByRole('button', { name: 'Run now: count-up' }).click()
  await apply(page, 'Run count-up of shop now')
  const runs = page.getByRole('region', { name: 'Runs of count-up' })
  await runs.getByText('By hand').first().waitFor({ timeout: 20_000 })
  const [run] = await until('it has ended', async () => {
    const all = await runsOf(plane, 'count-up')
    return all[0].why === 'hand' && all[0].state === 'succeeded' && all
  })
  assert.equal(run.exitCode, 0)
})

journey('one that fails raises an alert, which leads to it, and a good run ends it', { at: '/inbox', timeout: LONG_MS }, async ({ page, plane, hello }) => {
  const card = page.locator('[data-swipe]:not([data-ghost])')
  await until('the alert is raised', async () => (await plane.call('GET', '/inbox?kind=alert')).length === 1, CLOCK_MS)
  await page.goto('/inbox')
  await card.getByRole('heading', { name: /A schedule goes wrong/ }).waitFor()
  await card.getByText('sweep of hello-node').waitFor()
  await page.keyboard.press('a')
  await page.waitForURL(`**/apps/${hello.id}/schedules`)
  await page.getByText(/Its runs go wrong since/).waitFor()
  await page.getByRole('button', { name: 'History of sweep' }).click()
  const runs = page.getByRole('region', { name: 'Runs of sweep' })
  await runs.getByText('it cannot sweep').first().waitFor()
  await runs.getByText('ended with 3').first().waitFor()
  await page.getByRole('button', { name: 'Change sweep' }).click()
  const form = page.getByRole('form', { name: 'Change sweep' })
  await form.getByLabel(/Command, one word a line/).fill('echo\nswept')
  await form.getByLabel('When, as a cron line').fill('@yearly')
  await form.getByRole('button', { name: 'Review' }).click()
  await apply(page, 'Change the schedule sweep of hello-node')
  await page.getByText('on 1 January at 00:00').waitFor()
  await until('its node has it so', async () => (await schedules(plane, hello))[0].inStep)
  await page.getByRole('button', { name: 'Run now: sweep' }).click()
  await apply(page, 'Run sweep of hello-node now')
  await runs.getByText('swept', { exact: true }).waitFor({ timeout: 20_000 })
  await page.getByText(/Its runs go wrong since/).waitFor({ state: 'detached' })
  await until('the alert is over', async () => (await plane.call('GET', '/inbox?kind=alert')).length === 0)
})

for (const size of ['wide', 'phone']) {
  journey(`the page has no barriers: ${size}`, { at: null, size }, async ({ me, app, plane }) => {
    const page = await me.open(`${at({ app })}?runs=count-up`)
    await page.getByRole('region', { name: 'Runs of count-up' }).getByText('By the clock').first().waitFor()
    await settled(page)
    const found = await violations(page, 'app-schedules')
    const tooWide = async (what) => {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) found.push(`${what}: ${over} px wider than the screen`)
    }
    await tooWide('the list')
    await page.getByRole('button', { name: 'Make a schedule' }).click()
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByText('A schedule needs a name.').waitFor()
    found.push(...(await violations(page, 'app-schedules-form')))
    await tooWide('the form')
    shared.bare ??= await plane.call('POST', '/apps', { name: 'bare', nodeId: app.nodeId, settings: app.settings })
    await page.goto(at({ app: shared.bare }))
    await page.getByText('Deploy the app first', { exact: false }).waitFor()
    await settled(page)
    found.push(...(await violations(page, 'app-schedules-empty')))
    await tooWide('the empty page')
    assert.deepEqual(found, [])
  })
}

journey('whoever may only look gets no buttons', { at: null, signedIn: false }, async ({ me, app, plane }) => {
  const { link } = await plane.call('POST', '/invitations', { email: 'linus@example.org', role: 'viewer', object: { kind: 'tenant' } })
  const joined = await fetch(`${plane.url}/api/v1/auth/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: plane.url },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), name: 'Linus', password: PASSWORD }),
  })
  assert.ok(joined.ok, await joined.text())
  const page = await me.open(at({ app }))
  await page.getByLabel('E-mail').fill('linus@example.org')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Making and changing schedules needs the right to manage them.').waitFor()
  await page.getByRole('button', { name: 'History of count-up' }).waitFor()
  for (const name of ['Run now: count-up', 'Change count-up', 'Delete count-up', 'Make a schedule']) {
    assert.equal(await page.getByRole('button', { name }).count(), 0, name)
  }
})

journey('it is deleted after its plan, with its history', { at }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Delete count-up' }).click()
  await page.getByRole('dialog').getByText(/Delete its history here/).waitFor()
  assert.equal((await schedules(plane)).length, 1, 'the plan has done nothing')
  await apply(page, 'Delete the schedule count-up of shop')
  await page.getByText('Nothing of this app runs by the clock').waitFor({ timeout: 20_000 })
  assert.deepEqual(await schedules(plane), [])
})
