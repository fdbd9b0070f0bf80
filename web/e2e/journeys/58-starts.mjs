// What starts a workflow and what it is given: forms beside the canvas, of one mind with the text; the palette by keys alone.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { until } from '../plane.mjs'
import { world } from '../journey.mjs'

const FIRST = `# Kept as it was written.
workflow: 1
name: started   # its name

steps:
  - id: look      # reads
    query: /health
`
const { journey } = world({}, async (shared) => {
  await shared.plane.call('POST', '/secrets', { name: 'HOOK_TOKEN', value: 'not-shown-anywhere-0123456789' })
})

const text = (page) => page.getByLabel('Document of the workflow, YAML or JSON')
const pane = (page, name) => page.getByRole('group', { name: 'What is shown' }).getByText(name, { exact: true }).click()
const node = (page, key) => page.locator(`[data-step-node="${key}"]`)
async function document(page) {
  await pane(page, 'Text')
  return text(page).inputValue()
}
async function write(page, document) {
  await pane(page, 'Text')
  await text(page).fill(document)
  await node(page, 'look').waitFor()
}
/** Types into a field and leaves it. */
async function put(field, value) {
  await field.fill(value)
  await field.press('Tab')
}
const focused = (page, what) => until(`the focus is in ${what}`, () => page.evaluate((what) => window.document.activeElement?.closest(what) !== null, what))
/** Nothing stands out over the side. */
const overflow = (page) => page.evaluate(() => window.document.documentElement.scrollWidth - innerWidth)

journey('a schedule, a webhook and an input are made by forms, and the text says the same', { at: '/workflows/new', timezoneId: 'Europe/Berlin' }, async ({ page, plane, me }) => {
  await write(page, FIRST)
  await pane(page, 'Starts')
  await page.getByRole('button', { name: 'Add a schedule' }).click()
  const schedule = page.locator('[data-start=schedule]')
  await focused(page, '[data-start=schedule]')
  assert.equal(await schedule.getByLabel('Time zone').inputValue(), 'Europe/Berlin')
  await schedule.getByText(/Next on \w+ \d+ \w+ at 03:00 \(Europe\/Berlin\), in /).waitFor()
  // What cannot be read is told where it stands; what can is told in words.
  await put(schedule.getByLabel('When, as a cron line'), '61 * * * *')
  await schedule.locator('[data-field=at]').locator('..').getByRole('alert').waitFor()
  await schedule.getByText('When it runs next is told once the line can be read.').waitFor()
  await schedule.getByLabel('How often').selectOption({ label: 'On Mondays at 06:00' })
  await schedule.getByText(/Next on Monday \d+ \w+ at 06:00 \(Europe\/Berlin\)/).waitFor()
  await schedule.getByLabel('For moments that passed while nothing was there to start it').selectOption('all')
  await put(schedule.getByLabel('Id'), 'mondays')

  await page.getByRole('button', { name: 'Add a webhook' }).click()
  const hook = page.locator('[data-start=hook]')
  await focused(page, '[data-start=hook]')
  assert.equal(await hook.getByLabel('Header with the signature').count(), 0)
  await hook.getByLabel('How requests are signed').selectOption({ label: 'A token in a header' })
  await put(hook.getByLabel('Header with the signature'), 'X-Token')
  await put(hook.getByLabel('Name of the secret'), 'HOOK_TOKEN')

  await page.getByRole('button', { name: 'Add an input' }).click()
  await focused(page, '[data-input=input]')
  await put(page.locator('[data-input=input]').getByLabel('Name', { exact: true }), 'count')
  const input = page.locator('[data-input=count]')
  await input.getByLabel('Type').selectOption({ label: 'Whole number' })
  await put(input.getByLabel('Unless it is given'), 'many')
  await input.getByText('A number is meant.').waitFor()
  await put(input.getByLabel('Unless it is given'), '3')
  await put(input.getByLabel('What it is'), 'How many')
  await page.getByText('It can be saved: 1 step.').waitFor()
  assert.deepEqual(await violations(page, 'starts'), [])
  assert.equal(
    await document(page),
    FIRST.replace(
      '# its name\n',
      '# its name\ntriggers:\n  - id: mondays\n    cron: { at: 0 6 * * 1, timezone: Europe/Berlin, missed: all }\n  - id: hook\n    webhook: { scheme: token, secret: HOOK_TOKEN, header: X-Token }\ninputs: { type: object, properties: { count: { type: integer, default: 3, description: How many } } }\n',
    ),
  )

  // What is typed into the text stands in the forms, and one history holds for both.
  await text(page).fill((await text(page).inputValue()).replace('0 6 * * 1', '15 7 * * *'))
  await pane(page, 'Starts')
  await until('the form says it, too', async () => (await page.locator('[data-start=mondays]').getByLabel('When, as a cron line').inputValue()) === '15 7 * * *')
  await page.locator('[data-start=mondays]').getByText(/at 07:15 \(Europe\/Berlin\)/).waitFor()
  await page.getByRole('button', { name: 'Delete hook' }).click()
  await until('its way to a new one has the focus', () => page.evaluate(() => window.document.activeElement?.dataset.add === 'triggers'))
  await page.keyboard.press('Control+z')
  await page.locator('[data-start=hook]').waitFor()
  // A problem of a trigger leads to its field.
  await write(page, (await document(page)).replace('Europe/Berlin', 'Europe/Nowhere'))
  await page.locator('[data-problem] button').first().click()
  await focused(page, '[data-start=mondays]')
  await page.locator('[data-start=mondays]').getByLabel('Time zone').selectOption('Asia/Tokyo')
  await page.getByText('It can be saved: 1 step.').waitFor()

  // Saved: its page says when it comes round and where it is called.
  await page.getByRole('button', { name: 'Review and create' }).click()
  const plan = page.getByRole('dialog', { name: 'Create the workflow started' })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Create the workflow started' }).click()
  await page.waitForURL(/\/workflows\/[0-9a-f-]{36}$/)
  const summary = page.locator('[data-summary]')
  await summary.getByText('Its triggers are off').waitFor()
  await summary.getByText(/Next on \w+ \d+ \w+ at 07:15 \(Asia\/Tokyo\), in /).waitFor()
  const [{ path }] = (await plane.call('GET', `/workflows/${page.url().split('/').at(-1)}`)).triggers.filter(({ kind }) => kind === 'webhook')
  await summary.getByText(`${plane.url}${path}`).waitFor()
  await me.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await summary.getByRole('button', { name: 'Copy the address of hook' }).click()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${plane.url}${path}`)
  assert.deepEqual(await violations(page, 'page of a workflow with triggers'), [])
  await summary.getByRole('link', { name: 'Switch them on' }).click()
  await page.getByText('Once they are on').waitFor()
  assert.equal(await page.getByText(/ at 07:15$/).count(), 5)
  await page.getByText('a run for each moment').waitFor()
  assert.deepEqual(await violations(page, 'triggers of a workflow'), [])
})

journey('by keyboard alone: a schedule is added and taken away, steps go in from the palette', { at: '/workflows/new' }, async ({ page }) => {
  await write(page, FIRST)
  const go = async (name) => {
    await page.getByRole('radio', { name, exact: true }).focus()
    await page.keyboard.press('Space')
  }
  await go('Starts')
  await page.getByRole('button', { name: 'Add a schedule' }).focus()
  await page.keyboard.press('Enter')
  await focused(page, '[data-start=schedule] [data-field=id]')
  await page.getByRole('button', { name: 'Delete schedule' }).focus()
  await page.keyboard.press('Enter')
  await until('nothing of it is left', async () => !/triggers/.test(await document(page)))

  await go('Add')
  const tool = () => page.evaluate(() => window.document.activeElement?.dataset.tool ?? null)
  await page.getByRole('searchbox', { name: 'Find an action or a kind of step' }).focus()
  await page.keyboard.press('ArrowDown')
  assert.equal(await tool(), 'query')
  await page.keyboard.press('End')
  assert.match(await tool(), /^action:/)
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  assert.equal(await tool(), 'approval')
  // One stop for Tab, however many entries there are.
  assert.equal(await page.locator('[data-tool][tabindex="0"]').count(), 1)
  await page.keyboard.press('Enter')
  await focused(page, '[data-step-form=ask]')
  await until('it is told', async () => (await page.locator('[data-said]').textContent()) === '“ask” was added at the end. Its form follows.')
  // Behind the step that is chosen, which is the new one.
  await go('Add')
  await page.getByRole('searchbox', { name: 'Find an action or a kind of step' }).focus()
  await page.keyboard.type('lets time pass')
  await page.getByText('1 is called so').waitFor({ state: 'attached' })
  await page.keyboard.press('ArrowDown')
  assert.equal(await tool(), 'wait')
  await page.keyboard.press('Space')
  await focused(page, '[data-step-form=pause]')
  await until('it is told', async () => (await page.locator('[data-said]').textContent()) === '“pause” was added after “ask”. Its form follows.')
  await go('Add')
  await page.locator('[data-tool][tabindex="0"]').focus()
  await page.keyboard.press('ArrowUp')
  await focused(page, '[role=search]')
  assert.deepEqual(await violations(page, 'palette by keys'), [])
  assert.match(await document(page), /id: look[\s\S]*id: ask[\s\S]*id: pause/)
})

journey('on a phone the forms of what starts it fit, and write', { at: '/workflows/new', size: 'phone' }, async ({ page }) => {
  await settled(page)
  await pane(page, 'Text')
  await text(page).fill(FIRST)
  await pane(page, 'Starts')
  await page.getByRole('button', { name: 'Add a schedule' }).click()
  await page.getByText(/Next on /).waitFor()
  await page.getByRole('button', { name: 'Add an input' }).click()
  assert.ok((await overflow(page)) <= 0)
  assert.deepEqual(await violations(page, 'starts on a phone'), [])
  assert.match(await document(page), /triggers:\n {2}- id: schedule\n/)
})
