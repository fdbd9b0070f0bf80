// The panel from nothing: ports, a category, a template, a server through the form; then how it starts, where it listens, what it is
// called, and who may see it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { TEMPLATE } from '../content.mjs'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { agree as apply, fits } from '../plan.mjs'
import { until } from '../plane.mjs'

const PASSWORD = 'seven otters below a quiet bridge'
const { journey, shared } = world({}, async (shared) => {
  shared.node = await shared.plane.node()
})
const server = async (plane) => (await plane.call('GET', '/servers?q=lobby'))[0]
const at = () => `/servers/${shared.server.id}`

/** A field by its name alone; buttons beside it may speak of it, too. */
const box = (where, name) => where.getByRole('textbox', { name, exact: true })


journey('an empty panel teaches what it takes, and each step leads there', { at: '/servers' }, async ({ page, plane, node }) => {
  await page.getByRole('heading', { name: 'Run your first server' }).waitFor()
  assert.deepEqual(await violations(page, 'servers, empty'), [])
  await page.getByRole('link', { name: 'Open: Give a machine ports' }).click()
  await page.waitForURL(`**/nodes/${node.id}/ports`)
  await page.getByText('No ports yet').waitFor()
  const form = page.getByRole('form', { name: 'Add ports' })
  await form.getByRole('button', { name: 'Review' }).click()
  await form.getByText('Say which.').waitFor()
  await box(form, 'Ports').fill('30001-30000')
  await page.keyboard.press('Enter')
  await form.getByRole('alert').first().waitFor()
  assert.equal(await box(form, 'Ports').getAttribute('aria-invalid'), 'true', 'the dry run refuses beside its field')
  await box(form, 'Ports').fill('30000, 30002-30003')
  await form.getByLabel(/Shown to people as/).fill('chat.example.org')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByText(/gets 3 ports/).waitFor()
  assert.equal((await plane.call('GET', `/nodes/${node.id}/allocations`)).length, 0, 'the plan has done nothing')
  await apply(page, `Add ports to ${node.name}`)
  const list = page.getByRole('list', { name: 'Ports for servers' })
  await list.getByText('chat.example.org:30003').waitFor()
  await list.getByRole('button', { name: 'Remove chat.example.org:30003' }).click()
  await apply(page, `Remove chat.example.org:30003 from ${node.name}`)
  await list.getByText('chat.example.org:30003').waitFor({ state: 'detached' })
})

journey('a template is judged while it is typed, at its line', { at: '/templates' }, async ({ page, plane }) => {
  await page.getByText('First, a category').waitFor()
  await page.getByRole('button', { name: 'New category' }).last().click()
  await page.getByRole('dialog').getByLabel('Name').fill('Chats')
  await page.keyboard.press('Enter')
  await apply(page, 'Create the category Chats')
  await page.getByRole('link', { name: 'New template' }).first().click()
  await page.getByRole('group', { name: 'Edited as' }).getByText('JSON', { exact: true }).click()
  const editor = page.getByRole('textbox', { name: 'Template as JSON' })
  const told = page.locator('[data-alt-check]')
  await told.getByText('Servers can be made from it.').waitFor()
  await editor.fill('{\n  "alt": 1,\n}')
  await told.getByText('From here on it is no JSON.').waitFor()
  await told.getByRole('button', { name: 'Line 3' }).waitFor()
  const wrong = TEMPLATE()
  wrong.variables[1].rules = ['in:a|b']
  await editor.fill(JSON.stringify(wrong, null, 2))
  await told.getByText('variables[1].rules').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Review' }).isDisabled(), 'what cannot be kept cannot be proposed')
  await told.getByRole('button', { name: /^Line \d+$/ }).click()
  const caret = await editor.evaluate((field) => field.value.slice(field.selectionStart, field.selectionStart + 7))
  assert.equal(caret, '"rules"')
  await editor.fill(JSON.stringify(TEMPLATE(), null, 2))
  await told.getByText('Servers can be made from it.').waitFor()
  assert.deepEqual(await plane.call('GET', '/alts'), [], 'judging keeps nothing')
  await page.getByRole('button', { name: 'Review' }).click()
  await apply(page, 'Create the template Chat')
  await page.getByRole('heading', { level: 1, name: 'Chat' }).waitFor()
})

journey('a server is made where it fits best, and the plan refuses beside the field', { at: '/servers/new' }, async ({ page, plane }) => {
  const message = box(page, 'Message of the day')
  await box(page, 'Name').fill('Lobby')
  await message.fill('far longer than twenty characters')
  await box(page, 'Memory, MiB').fill('128')
  await box(page, 'Ports').fill('2')
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByText('Small letters, digits and -', { exact: false }).first().waitFor()
  await box(page, 'Name').fill('lobby')
  await page.getByRole('button', { name: 'Review' }).click()
  await until('the finding stands at its field', async () => (await message.getAttribute('aria-invalid')) === 'true')
  await page.getByRole('alert').getByText(/Message of the day/).waitFor()
  assert.ok(await message.evaluate((field) => field === document.activeElement), 'and has the focus')
  await message.fill('Welcome')
  await page.getByLabel('Level', { exact: true }).selectOption('hard')
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText(/on the machine with the most room that fits it/).waitFor()
  assert.equal(await server(plane), undefined, 'the plan has done nothing')
  await apply(page, 'Create lobby')
  await page.getByRole('heading', { level: 1, name: 'lobby' }).waitFor()
  // The machine installs it at once, and says so.
  await page.getByText('Stopped', { exact: true }).first().waitFor({ timeout: 30_000 })
  shared.server = await server(plane)
  assert.deepEqual(shared.server.settings.variables, { LEVEL: 'hard', MOTD: 'Welcome' })
  assert.equal(shared.server.settings.limits.memory, 134_217_728)
  assert.equal(shared.server.allocations.length, 2)
  for (const name of ['Console', 'Monitoring', 'Startup', 'Network', 'Users', 'Activity', 'Settings']) await page.getByRole('navigation', { name: 'Parts of this server' }).getByRole('link', { name, exact: true }).waitFor()
  assert.ok(await page.getByRole('group', { name: 'Power' }).getByRole('button', { name: 'Stop' }).isDisabled(), 'what does not run cannot be stopped')
})

journey('how it starts is changed after its plan, and set back', { at }, async ({ page, plane }) => {
  await page.getByRole('link', { name: 'Startup', exact: true }).click()
  await page.getByText('/usr/bin/cat -u').waitFor()
  await page.getByLabel('Way to start').selectOption('Loud')
  await page.getByText('/usr/bin/cat -n').waitFor()
  await box(page, 'Max users').fill('0')
  await page.getByRole('button', { name: 'Set Message of the day back to what the template says' }).click()
  assert.equal(await box(page, 'Message of the day').inputValue(), 'Hello')
  await page.getByText('3 changes not saved').waitFor()
  await page.getByRole('button', { name: 'Review changes' }).click()
  await until('the finding stands at its field', async () => (await box(page, 'Max users').getAttribute('aria-invalid')) === 'true')
  await box(page, 'Max users').fill('7')
  await page.getByRole('button', { name: 'Review changes' }).click()
  const plan = page.getByRole('dialog', { name: 'Change lobby' })
  for (const line of ['Start it by: Loud', 'Set Max users to: 7', 'Set Message of the day back to what the template says']) await plan.getByText(line).waitFor()
  await apply(page, 'Change lobby')
  await page.getByText('Nothing is changed.').waitFor()
  const { settings } = await server(plane)
  assert.deepEqual([settings.startup, settings.variables], ['Loud', { LEVEL: 'hard', MAX_USERS: '7' }])
})

journey('a server is started, spoken to and stopped from its console, on its machine', { at }, async ({ page, plane }) => {
  const power = page.getByRole('group', { name: 'Power' })
  await power.getByRole('button', { name: 'Start', exact: true }).click()
  await apply(page, 'Start lobby')
  await until('it runs', async () => (await server(plane)).state === 'running', 30_000)
  const line = page.getByRole('textbox', { name: 'Command' })
  await line.fill('is anybody there?')
  await line.press('Enter')
  // `cat -n` says it back with a number: so it has read it, and the terminal's echo alone would not do.
  await page.locator('[data-console]').getByText(/^\s*1\s+is anybody there\?/).first().waitFor()
  await page.getByRole('complementary', { name: 'How it is doing' }).getByText('not running').waitFor({ state: 'detached' })
  await power.getByRole('button', { name: 'Stop', exact: true }).click()
  await apply(page, 'Stop lobby')
  await until('it is stopped', async () => (await server(plane)).state === 'stopped', 30_000)
  await page.getByText('Stopped', { exact: true }).first().waitFor()
})

journey('ports are given, taken, and one comes first, on a phone', { at: () => `${at()}/network`, size: 'phone' }, async ({ page, plane }) => {
  const list = page.getByRole('list', { name: 'Ports of this server' })
  await list.getByText('chat.example.org:30002').waitFor()
  await list.getByRole('button', { name: 'Make first: chat.example.org:30002' }).click()
  await apply(page, 'Make chat.example.org:30002 the first port of lobby')
  await until('it comes first', async () => (await server(plane)).allocations[0].port === 30_002)
  await list.getByRole('button', { name: 'Take away: chat.example.org:30000' }).click()
  await apply(page, 'Take chat.example.org:30000 from lobby')
  await list.getByText('chat.example.org:30000').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Give a port' }).click()
  await apply(page, 'Give lobby the next free port')
  await list.getByText('chat.example.org:30000').waitFor()
  await fits(page)
})

journey('limits and its name are changed, and its deletion says what goes', { at: () => `${at()}/settings` }, async ({ page, plane }) => {
  await box(page, 'Disk, MiB').fill('1')
  await page.getByRole('button', { name: 'Review changes' }).click()
  await page.getByText(/at least 4 MiB/i).waitFor()
  await box(page, 'Disk, MiB').fill('512')
  await page.getByLabel(/Description/).fill('For friends')
  await page.getByRole('button', { name: 'Review changes' }).click()
  await page.getByRole('dialog').getByText('Set Disk, MiB to: 512').waitFor()
  await apply(page, 'Change lobby')
  await until('it is kept', async () => (await server(plane)).settings.limits.disk === 536_870_912)
  await page.getByRole('button', { name: 'Delete…' }).click()
  const plan = page.getByRole('dialog', { name: 'Delete lobby' })
  await plan.getByText(/all files of `?lobby`? and its console/).first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Reinstall…' }).waitFor()
})

/**
 * A console that says what it is told to: the control plane is real, and so is the socket; what a machine would say is put in
 * between, so that lines can be left out on purpose and the line can be cut at a chosen moment.
 */
async function consoleOf(context) {
  const kept = []
  const sockets = new Set()
  const reads = []
  const add = (count) => {
    const fresh = Array.from({ length: count }, () => ({ sequence: kept.length + 1, at: new Date(1_780_000_000_000 + kept.length * 10).toISOString(), stream: 'out', text: `line ${kept.push(0)}`, releaseId: null }))
    kept.splice(kept.length - count, count, ...fresh)
    return fresh
  }
  await context.route('**/api/v1/servers/*/console*', (route) => {
    const asked = new URL(route.request().url()).searchParams
    const most = Number(asked.get('lines'))
    const after = asked.get('after') === null ? Math.max(0, kept.length - most) : Number(asked.get('after'))
    reads.push(after)
    // An answer may hold fewer than asked for.
    const data = { lines: kept.slice(after, after + Math.min(most, 700)), oldest: 1, newest: kept.length }
    return route.fulfill({ json: { success: true, data, error: null, meta: { requestId: 'r', timestamp: new Date().toISOString() } } })
  })
  await context.routeWebSocket('**/api/v1/ws', (socket) => {
    const plane = socket.connectToServer()
    socket.onMessage((message) => plane.send(message))
    // The machine is there as well, and would say something else.
    plane.onMessage((message) => String(message).includes('"console.output"') || socket.send(message))
    sockets.add({ socket, plane })
  })
  const tell = (server, lines, sample = null) => {
    for (const { socket } of sockets) socket.send(JSON.stringify({ event: 'console.output', topic: `console:${server.id}`, at: new Date().toISOString(), data: { lines, skipped: 0, sample } }))
  }
  const cut = () => {
    for (const { socket, plane } of sockets) void socket.close({ code: 1011 }).then(() => plane.close())
    sockets.clear()
  }
  return { kept, reads, add, tell, cut }
}

journey('a console goes on without a gap and without a repetition, whatever is left out', { at: null }, async ({ me, server }) => {
  const told = await consoleOf(me.context)
  told.add(10_000)
  Object.assign(told.kept[9_999], { text: '\x1b[32mgreen\x1b[0m \x1b]0;evil\x07plain \x1b[2K<b>bold</b>' })
  const page = await me.open(`/servers/${server.id}`)
  await settled(page)
  const view = page.locator('[data-console]')
  const row = (sequence) => view.locator(`[data-line="${sequence}"]`)
  await row(10_000).waitFor()
  assert.match(await row(10_000).innerText(), /green.*plain <b>bold<\/b>/, 'it is text, whatever stands in it')
  assert.equal(await view.locator('b').count(), 0)
  assert.ok((await view.locator('[data-line]').count()) < 200, 'only what is near is in the document')
  const sample = { state: 'running', cpuPermille: 420, memory: 100 << 20, processes: 3, disk: 200 << 20, netReceived: null, netSent: null, uptimeMs: 65_000 }
  told.tell(server, told.add(2), sample)
  await row(10_002).waitFor()
  await page.getByRole('complementary', { name: 'How it is doing' }).getByText('42 %').waitFor()
  // 1,500 lines are left out: they are read back, in three answers.
  told.add(1_500)
  told.reads.length = 0
  told.tell(server, told.add(1))
  await row(11_503).waitFor()
  await until('they are read back', () => told.reads.length >= 3)
  told.cut()
  told.add(40)
  await until('the line is back', () => told.reads.some((after) => after === 11_503), 15_000)
  await row(11_543).waitFor()
  // From the first kept line on, each once: as it is saved.
  const [saved] = await Promise.all([page.waitForEvent('download'), view.getByRole('button', { name: /^Download/ }).click()])
  const numbers = readFileSync(await saved.path(), 'utf8').split('\n').filter(Boolean).map((line) => Number(/line (\d+)/.exec(line)?.[1] ?? 10_000))
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, at) => numbers[0] + at), 'no gap, no repetition')
  assert.equal(numbers.at(-1), 11_543)
  assert.deepEqual(await violations(page, 'console'), [])
  // What was sent is remembered for this server, also after a reload.
  const line = page.getByRole('textbox', { name: 'Command' })
  await page.keyboard.press('i')
  await page.keyboard.type('say hi')
  await page.keyboard.press('Enter')
  await until('it is sent', async () => (await line.inputValue()) === '' || (await page.getByRole('alert').count()) > 0)
  await page.reload()
  await row(11_543).waitFor()
  await line.fill('half')
  await line.press('ArrowUp')
  assert.equal(await line.inputValue(), 'say hi')
  await line.press('ArrowDown')
  assert.equal(await line.inputValue(), 'half')
  me.forget()
})

journey('a template has versions: the next one is written, an old one is read and comes back', { at: '/templates' }, async ({ page, plane }) => {
  await page.getByRole('link', { name: 'Chat', exact: true }).click()
  await page.getByRole('group', { name: 'Edited as' }).getByText('JSON', { exact: true }).click()
  const editor = page.getByRole('textbox', { name: 'Template as JSON' })
  await editor.fill(JSON.stringify(TEMPLATE({ description: 'Second thoughts' }), null, 2))
  await page.locator('[data-alt-check]').getByText('Servers can be made from it.').waitFor()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText(/servers stay at the version they follow/).waitFor()
  await apply(page, 'Change the template Chat')
  await page.getByText('version 2').first().waitFor()
  await page.getByRole('link', { name: 'Versions' }).click()
  await page.getByRole('button', { name: 'Show version 1' }).click()
  await page.getByText('A small chat server.', { exact: false }).last().waitFor()
  await page.getByRole('button', { name: 'Make it the newest again' }).click()
  await apply(page, 'Write version 1 again')
  await page.getByText('version 3').first().waitFor()
  const [alt] = await plane.call('GET', '/alts')
  assert.equal((await plane.call('GET', `/alts/${alt.id}`)).document.description, 'A small chat server.')
  await page.goto(`${at()}/startup`)
  await page.getByLabel('Template version').waitFor()
  await page.getByText('The newest is 3.').waitFor()
})

journey('a sub-user gets the console and nothing more', { at: () => `${at()}/users` }, async ({ page, plane, me }) => {
  // Rights at this server alone, by a role of the team's own that gives next to nothing.
  const role = await plane.call('POST', '/roles', { name: 'Guest', permissions: ['plugin:view'] })
  const { link } = await plane.call('POST', '/invitations', { email: 'linus@example.org', role: role.id, object: { kind: 'server', id: shared.server.id } })
  const joined = await fetch(`${plane.url}/api/v1/auth/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: plane.url },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), name: 'Linus', password: PASSWORD }),
  })
  assert.ok(joined.ok, await joined.text())
  await page.reload()
  await page.getByRole('button', { name: 'Give access' }).click()
  const dialog = page.getByRole('dialog', { name: 'Give access' })
  await dialog.getByLabel('E-mail address').fill('Linus@example.org')
  await dialog.getByText('Linus is in the team and gets it at once.').waitFor()
  await dialog.getByRole('button', { name: 'Watch' }).click()
  await dialog.getByRole('button', { name: 'Review' }).click()
  await apply(page, 'Give Linus access to lobby')
  const given = page.getByRole('list', { name: 'What Linus may do' })
  await given.getByText('server:view').waitFor()
  assert.deepEqual(await given.getByRole('listitem').allTextContents(), ['Guest', 'console:view', 'server:view'])
  await me.context.clearCookies()
  me.forget()
  await page.goto('/servers')
  await page.getByLabel('E-mail').fill('linus@example.org')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'lobby', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'lobby' }).waitFor()
  const tabs = page.getByRole('navigation', { name: 'Parts of this server' })
  await tabs.getByRole('link', { name: 'Console' }).waitFor()
  assert.deepEqual(await tabs.getByRole('link').allTextContents(), ['Console', 'Activity'])
  assert.equal(await page.getByRole('group', { name: 'Power' }).count(), 0, 'no power without a right to it')
  await page.getByText('Sending commands needs the permission console:command.').waitFor()
  await page.goto(`${at()}/settings`)
  await page.getByText('You may see that this server is there, and nothing more of it.').waitFor()
  assert.equal(await box(page, 'Memory, MiB').count(), 0)
  me.forget()
})

journey('cards and table are remembered, and filters live in the address, on a phone', { at: '/servers?q=lob', size: 'phone' }, async ({ page }) => {
  await page.getByRole('list', { name: 'Servers' }).getByText('lobby').waitFor()
  await fits(page)
  await page.getByRole('group', { name: 'Show as' }).getByText('Table', { exact: true }).click()
  await page.reload()
  await settled(page)
  assert.ok(await page.getByRole('radio', { name: 'Table' }).isChecked())
  await page.getByLabel('State').selectOption('running')
  await page.getByText('No server matches').waitFor()
  assert.match(page.url(), /q=lob.*state=running/)
  await page.getByRole('link', { name: 'Show every server' }).click()
  await page.getByRole('link', { name: /lobby/ }).first().click()
  await page.getByRole('heading', { level: 1, name: 'lobby' }).waitFor()
  await fits(page)
})
