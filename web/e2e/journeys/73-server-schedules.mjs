// What the clock does to a server that really runs: a chain is made by keyboard, moved on a phone, run by hand and by the clock; what
// goes wrong raises an alert that leads here.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { running } from '../content.mjs'
import { world } from '../journey.mjs'
import { apply, carriedOut, fits, tabTo } from '../plan.mjs'
import { until } from '../plane.mjs'

/** Every minute, and the node's word of it. */
const CLOCK_MS = 90_000
const LONG_MS = 150_000

const { journey, shared } = world({}, async (shared) => {
  Object.assign(shared, await running(shared.plane, await shared.plane.node()))
})

const at = ({ server }) => `/servers/${server.id}/schedules`
const schedules = (plane) => plane.call('GET', `/servers/${shared.server.id}/schedules`)
const runsOf = (plane, name) => plane.call('GET', `/servers/${shared.server.id}/schedules/${name}/runs`)
const consoleOf = async (plane) => (await plane.call('GET', `/servers/${shared.server.id}/console`)).lines.map(({ text }) => text)

const step = (form, number) => form.getByRole('group', { name: `Step ${number}`, exact: true })

journey('a chain is made by keyboard alone, refused where it is wrong, and done by the clock', { at, timeout: LONG_MS }, async ({ page, plane }) => {
  await page.getByText('Nothing is done to this server by the clock').waitFor()
  await tabTo(page, page.getByRole('button', { name: 'Make a schedule' }), 'the button')
  await page.keyboard.press('Enter')
  const form = page.getByRole('form', { name: 'A new schedule' })
  await tabTo(page, form.getByLabel('Name'), 'its name')
  await page.keyboard.type('hourly-word')
  await page.keyboard.press('Tab')
  await page.keyboard.type('* * * * *')
  await tabTo(page, step(form, 1).getByLabel('Command'), 'the first command')
  await page.keyboard.type('say first <b>&</b>')
  await tabTo(page, form.getByRole('button', { name: 'Add a step' }), 'another step')
  await page.keyboard.press('Enter')
  // The new one has the focus, at what it does.
  await until('it has the focus', () => step(form, 2).getByLabel('Do', { exact: true }).evaluate((element) => element === document.activeElement))
  await tabTo(page, step(form, 2).getByLabel('Wait before, seconds'), 'its delay')
  await page.keyboard.press('Control+a')
  await page.keyboard.type('901')
  await tabTo(page, form.getByRole('button', { name: 'Review' }), 'the button of the form')
  await page.keyboard.press('Enter')
  await form.getByText('A whole number of seconds, up to 900.').waitFor()
  await form.getByText('A step needs a command.').waitFor()
  const delay = step(form, 2).getByLabel('Wait before, seconds')
  await until('the first refused one has the focus', () => delay.evaluate((element) => element === document.activeElement))
  await page.keyboard.press('Control+a')
  await page.keyboard.type('1')
  await tabTo(page, step(form, 2).getByLabel('Command'), 'the second command')
  await page.keyboard.type('say second')
  // It is moved up by its button, which keeps the focus as far as it goes.
  await form.getByRole('button', { name: 'Move step 2 up' }).focus()
  await page.keyboard.press('Enter')
  await form.getByText('Step 2 is step 1 now.').waitFor({ state: 'attached' })
  assert.equal(await step(form, 1).getByLabel('Command').inputValue(), 'say second')
  await until('it goes on by the other', () => form.getByRole('button', { name: 'Move step 1 down' }).evaluate((element) => element === document.activeElement))
  await page.keyboard.press('Enter')
  assert.equal(await step(form, 1).getByLabel('Command').inputValue(), 'say first <b>&</b>')
  await tabTo(page, form.getByLabel('Only while the server runs'), 'the condition')
  await page.keyboard.press('Space')
  await tabTo(page, form.getByRole('button', { name: 'Review' }), 'the button of the form')
  await page.keyboard.press('Enter')
  const plan = page.getByRole('dialog', { name: `Have ${shared.server.name} run hourly-word by the clock` })
  await plan.getByText(/Step 2: after 1 s, write "say second" to its console/).waitFor()
  assert.deepEqual(await schedules(plane), [], 'the plan has done nothing')
  await tabTo(page, plan.getByRole('button', { name: `Have ${shared.server.name} run hourly-word by the clock` }), 'the button of the plan')
  await page.keyboard.press('Enter')
  await plan.waitFor({ state: 'detached' })
  await carriedOut(page)
  const item = page.getByRole('list', { name: 'Schedules' }).getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'hourly-word' }) })
  await item.getByText('On', { exact: true }).waitFor()
  assert.deepEqual(await item.getByRole('list', { name: 'Steps, one after another' }).getByRole('listitem').allTextContents(), ['say first <b>&</b>', 'after 1 s say second'])
  await item.getByText('Only while the server runs').waitFor()
  await item.getByRole('button', { name: 'History of hourly-word' }).click()
  const runs = page.getByRole('region', { name: 'Runs of hourly-word' })
  await runs.getByText('By the clock').first().waitFor({ timeout: CLOCK_MS })
  await runs.getByText('Succeeded').first().waitFor()
  await runs.getByText('step 1 of 2, "say first <b>&</b>": written').first().waitFor()
  await until('it came to the console', async () => (await consoleOf(plane)).some((line) => line.includes('heard say second')))
})

journey('a restart is a step, on a phone, and power by hand waits for no chain', { at, size: 'phone' }, async ({ page, plane, server }) => {
  await page.getByRole('button', { name: 'Change hourly-word' }).click()
  const form = page.getByRole('form', { name: 'Change hourly-word' })
  await fits(page)
  await step(form, 2).getByLabel('Do', { exact: true }).selectOption('restart')
  await form.getByLabel('Run it by the clock').uncheck()
  await form.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText('Step 2: after 1 s, stop it and start it again').waitFor()
  await apply(page, `Change the schedule hourly-word of ${server.name}`)
  await until('its node has it so', async () => (await schedules(plane))[0].inStep)
  await page.getByRole('button', { name: 'Run now: hourly-word' }).click()
  await apply(page, `Run hourly-word of ${server.name} now`)
  const runs = page.getByRole('region', { name: 'Runs of hourly-word' })
  await runs.getByText('By hand').first().waitFor({ timeout: 20_000 })
  await until('it has ended', async () => (await runsOf(plane, 'hourly-word'))[0].state === 'succeeded')
  await runs.getByText(/step 2 of 2, restart: done/).first().waitFor()
  await fits(page)
  // A chain that waits ten minutes, and a stop by hand meanwhile.
  const settings = { cron: '@yearly', steps: [{ delay: 600_000, power: 'kill' }] }
  await plane.settled((await plane.call('PUT', `/servers/${server.id}/schedules/slow`, { settings })).run.id)
  await plane.settled((await plane.call('POST', `/servers/${server.id}/schedules/slow/run`)).run.id)
  assert.equal((await plane.settled((await plane.call('POST', `/servers/${server.id}/power`, { verb: 'stop' })).run.id)).done, 'succeeded')
  await page.getByRole('button', { name: 'Delete slow' }).click()
  await apply(page, `Delete the schedule slow of ${server.name}`)
  assert.equal((await schedules(plane)).length, 1)
})

journey('one that fails raises an alert that leads here, and a good run ends it', { at: '/inbox', timeout: LONG_MS }, async ({ page, plane, server }) => {
  // The server does not run: nobody hears its command.
  const settings = { cron: '* * * * *', steps: [{ command: 'save-all' }] }
  await plane.settled((await plane.call('PUT', `/servers/${server.id}/schedules/save`, { settings })).run.id)
  await until('the alert is raised', async () => (await plane.call('GET', '/inbox?kind=alert')).length === 1, CLOCK_MS)
  await page.goto('/inbox')
  const card = page.locator('[data-swipe]:not([data-ghost])')
  await card.getByText(`save of ${server.name}`).waitFor()
  await page.keyboard.press('a')
  await page.waitForURL(`**${at({ server })}`)
  await page.getByText(/Its runs go wrong since/).waitFor()
  await plane.settled((await plane.call('POST', `/servers/${server.id}/power`, { verb: 'start' })).run.id)
  await page.getByRole('button', { name: 'Run now: save' }).click()
  await apply(page, `Run save of ${server.name} now`)
  await page.getByText(/Its runs go wrong since/).waitFor({ state: 'detached', timeout: CLOCK_MS })
  await until('the alert is over', async () => (await plane.call('GET', '/inbox?kind=alert')).length === 0)
})

for (const size of ['wide', 'phone']) {
  for (const theme of ['light', 'dark']) {
    journey(`the page has no barriers: ${size}, ${theme}`, { at: null, size, theme }, async ({ me, server }) => {
      const page = await me.open(`${at({ server })}?runs=hourly-word`)
      await page.getByRole('region', { name: 'Runs of hourly-word' }).getByText('By hand').first().waitFor()
      await settled(page)
      const found = await violations(page, 'server-schedules')
      await fits(page)
      const shot = (part) => page.screenshot({ path: new URL(`../.build/server-schedules-${part}-${size}-${theme}.png`, import.meta.url).pathname, fullPage: true })
      await shot('list')
      await page.getByRole('button', { name: 'Make a schedule' }).click()
      await page.getByRole('button', { name: 'Add a step' }).click()
      await page.getByRole('button', { name: 'Review' }).click()
      await page.getByText('A schedule needs a name.').waitFor()
      found.push(...(await violations(page, 'server-schedules-form')))
      await fits(page)
      await shot('form')
      assert.deepEqual(found, [])
    })
  }
}
