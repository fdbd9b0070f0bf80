// A template edited part by part as a form: what is wrong stands at its field while it is typed, by keyboard, on a phone; the next
// version is planned with what it changes.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { TEMPLATE } from '../content.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'
import { agree, fits, tabTo } from '../plan.mjs'

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  shared.ctrl = await plane.call('POST', '/ctrls', { name: 'Chats' })
  shared.alt = (await plane.call('POST', '/alts', { ctrlId: shared.ctrl.id, document: { ...TEMPLATE(), notes: { config: { logs: { custom: true } } } } })).alt
})
const at = () => `/templates/${shared.alt.id}`
const read = async (plane) => plane.call('GET', `/alts/${shared.alt.id}`)
const field = (where, place) => where.locator(`[data-place="${place}"]`)
const box = (where, place) => field(where, place).locator('input:not(.hidden),textarea,select').first()
const judged = (page) => page.locator('[data-alt-check]').getByText('Servers can be made from it.').waitFor()
const part = (page, name) => page.getByRole('region', { name })
const open = (page, name) => page.getByRole('listitem', { name }).getByText('Details').first().click()

journey('every part is changed as a form, refused beside its field, and kept as the next version', { at }, async ({ page, plane }) => {
  await judged(page)
  assert.deepEqual(await violations(page, 'template, form'), [])
  await box(page, 'description').fill('A chat server, edited by hand.')
  await box(page, 'tags').fill('chat\nsmall')
  // A variable with rules: refused at its field, with all else that is wrong.
  await part(page, 'Variables').getByRole('button', { name: 'Add a variable' }).click()
  await until('the new one has the focus', () => box(page, 'variables[3].name').evaluate((element) => element === document.activeElement))
  await page.keyboard.type('Greeting')
  await box(page, 'variables[3].env').fill('LD_PRELOAD')
  await box(page, 'variables[3].rules').fill('required\nmax:20')
  await box(page, 'stop.grace').fill('7200')
  await field(page, 'variables[3].env').getByRole('alert').getByText('LD_PRELOAD is refused', { exact: false }).waitFor()
  await field(page, 'stop.grace').getByRole('alert').getByText('more than 1 h', { exact: false }).waitFor()
  assert.ok(await page.getByRole('button', { name: 'Review' }).isDisabled(), 'what cannot be kept cannot be proposed')
  const told = page.getByRole('list', { name: 'What is wrong' })
  assert.equal(await told.getByRole('listitem').count(), 2)
  assert.deepEqual(await violations(page, 'template, form with findings'), [])
  await told.getByRole('button', { name: 'Go to stop.grace' }).click()
  await until('it has the focus', () => box(page, 'stop.grace').evaluate((element) => element === document.activeElement))
  await box(page, 'stop.grace').fill('20')
  await box(page, 'variables[3].env').fill('GREETING')
  await box(page, 'variables[3].default').fill('Welcome')
  // How it starts, is ready, and is stopped.
  await box(page, 'startups[0].run.argv').fill('/usr/bin/cat\n-u\n{{NOBODY}}')
  await field(page, 'startups[0].run.argv').getByRole('alert').getByText('Nothing can be put in for', { exact: false }).waitFor()
  await box(page, 'startups[0].run.argv').fill('/usr/bin/cat\n-u')
  await part(page, 'When it is ready').getByRole('button', { name: 'Add a line' }).click()
  await box(page, 'ready.lines[0].kind').selectOption('regex')
  await box(page, 'ready.lines[0].pattern').fill('(listening')
  await page.getByText('The expression cannot be used', { exact: false }).first().waitFor()
  await box(page, 'ready.lines[0].pattern').fill('^listening on \\d+$')
  await box(page, 'ready.within').fill('90')
  await box(page, 'stop.kind').selectOption('command')
  await box(page, 'stop.line').fill('quit')
  // What sets it up, its files, and what nobody touches.
  await box(page, 'install.script').fill('echo installed twice\n')
  await part(page, 'Files of settings').getByRole('button', { name: 'Add a file' }).click()
  await box(page, 'edits[0].path').fill('../outside')
  await field(page, 'edits[0].path').getByRole('alert').waitFor()
  await box(page, 'edits[0].path').fill('chat.ini')
  await box(page, 'edits[0].parser').selectOption('ini')
  await part(page, 'Files of settings').getByRole('button', { name: 'Add a key' }).click()
  await box(page, 'edits[0].set[0].key').fill('server.port')
  await field(page, 'edits[0].set[0].value').getByLabel('Value').fill('{{server.build.default.port}}')
  await box(page, 'denied').fill('*.key\nsecrets/')
  await judged(page)
  // What it changes, line by line, and then its plan.
  await page.locator('[data-alt-difference] summary').click()
  const difference = page.getByRole('region', { name: 'What changes in Chat' })
  await difference.getByText('line: quit').waitFor()
  assert.equal((await read(plane)).version.version, 1, 'judging keeps nothing')
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText('`Chat` gets a version 2.').waitFor()
  await agree(page, 'Change the template Chat')
  await page.getByText('version 2').first().waitFor()
  const { document } = await read(plane)
  const { description, tags, startups, variables, ready, stop, install, edits, denied, notes } = document
  assert.deepEqual(
    { description, tags, run: startups[0].run, variable: variables[3], ready, stop, script: install.script, edits, denied, notes },
    {
      description: 'A chat server, edited by hand.',
      tags: ['chat', 'small'],
      run: { kind: 'argv', argv: ['/usr/bin/cat', '-u'] },
      variable: { name: 'Greeting', env: 'GREETING', default: 'Welcome', viewable: true, editable: true, rules: ['required', 'max:20'] },
      ready: { lines: [{ kind: 'regex', pattern: '^listening on \\d+$' }], within: 90_000 },
      stop: { kind: 'command', line: 'quit', grace: 20_000 },
      script: 'echo installed twice\n',
      edits: [{ path: 'chat.ini', parser: 'ini', set: [{ key: 'server.port', value: '{{server.build.default.port}}' }] }],
      denied: ['*.key', 'secrets/'],
      notes: { config: { logs: { custom: true } } },
    },
    'what has no field is kept as it was',
  )
})

journey('one text, two ways to edit it; the way is remembered', { at: '/templates/new' }, async ({ page }) => {
  await box(page, 'name').fill('Two ways')
  const view = page.getByRole('group', { name: 'Edited as' })
  await view.getByText('JSON', { exact: true }).click()
  const editor = page.getByRole('textbox', { name: 'Template as JSON' })
  const text = await editor.inputValue()
  assert.equal(JSON.parse(text).name, 'Two ways')
  await editor.fill(text.replace('Two ways', 'Back again'))
  await view.getByText('Form', { exact: true }).click()
  assert.equal(await box(page, 'name').inputValue(), 'Back again')
  await view.getByText('JSON', { exact: true }).click()
  await editor.fill('{ "name": ')
  await view.getByText('Form', { exact: true }).click()
  await page.getByText('The text is no JSON object yet', { exact: false }).waitFor()
  await view.getByText('JSON', { exact: true }).click()
  assert.equal(await editor.inputValue(), '{ "name": ', 'nothing that was typed is lost')
  await editor.fill(text)
  await judged(page)
  page.once('dialog', (dialog) => void dialog.accept())
  await page.reload()
  await settled(page)
  await editor.waitFor()
})

journey('a category has a name once, and the form says so before anything is kept', { at: '/templates/new' }, async ({ page }) => {
  await judged(page)
  await box(page, 'name').fill('Chat')
  await page.getByRole('alert').getByText('Chat', { exact: false }).first().waitFor()
  assert.ok(await page.getByRole('button', { name: 'Review' }).isDisabled())
})

journey('entries are moved and removed by keyboard, and the focus stays near; on a phone', { at, size: 'phone' }, async ({ page, plane }) => {
  await judged(page)
  await fits(page)
  const down = page.getByRole('button', { name: 'Move down: Default', exact: true })
  await tabTo(page, down, 'moving it')
  await page.keyboard.press('Enter')
  await until('it was moved', async () => (await box(page, 'startups[1].label').inputValue()) === 'Default')
  await until('the focus went with it', () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') === 'Move up: Default'))
  await page.getByRole('button', { name: 'Remove: Loud', exact: true }).click()
  await until('the focus is on the next one', () => page.evaluate(() => document.activeElement?.closest('li')?.getAttribute('aria-label') === 'Default'))
  await open(page, 'Max users · MAX_USERS')
  await fits(page)
  assert.deepEqual(await violations(page, 'template, form, phone'), [])
  await judged(page)
  await page.getByRole('button', { name: 'Review' }).click()
  await agree(page, 'Change the template Chat')
  assert.deepEqual((await read(plane)).document.startups.map(({ label }) => label), ['Default'])
})
