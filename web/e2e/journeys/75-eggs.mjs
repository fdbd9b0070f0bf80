// Eggs of other panels on their way to templates and back: real ones, bad ones, twins, a newer one of the same, on a phone.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { violations } from '../axe.mjs'
import { world } from '../journey.mjs'
import { clone, until } from '../plane.mjs'
import { agree, fits, tabTo } from '../plan.mjs'

const folder = join(clone, 'crates/template/tests/eggs')
const samples = readdirSync(folder).filter((name) => /\.(json|ya?ml)$/.test(name)).sort()
const sample = (name) => readFileSync(join(folder, name), 'utf8')
const { journey, shared } = world({}, async (shared) => {
  shared.ctrl = await shared.plane.call('POST', '/ctrls', { name: 'Games' })
})

const choose = (page, files) => page.locator('[data-egg-picker] input[type=file]').setInputFiles(files)
const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })
const card = (page, name) => page.locator(`[data-egg="${name}"]`)
const fate = (page, name, kind) => page.locator(`[data-egg="${name}"][data-fate=${kind}]`).waitFor()
const sum = (page, words) => page.locator('[data-egg-sum]').getByText(words, { exact: true }).waitFor()
const alts = (plane) => plane.call('GET', `/alts?ctrlId=${shared.ctrl.id}&limit=200`)

journey('all samples go through: checked, planned, imported, and the later one of a name is its next version', { at: '/templates' }, async ({ page, plane }) => {
  await page.getByRole('link', { name: 'Import eggs' }).click()
  await page.getByRole('heading', { level: 1, name: 'Import eggs' }).waitFor()
  assert.deepEqual(await violations(page, 'import, empty'), [])
  await choose(page, samples.map((name) => join(folder, name)))
  await sum(page, '13 new templates, 2 refused')
  assert.equal(await page.locator('[data-egg]').count(), samples.length)
  // What each says of itself: format, needs, stop rule, variables.
  const paper = card(page, 'plcn-v3-paper.yaml')
  for (const words of ['PLCN_v3', 'Needs network', 'Needs Docker', 'New template']) await paper.getByText(words).first().waitFor()
  await paper.getByText('What it becomes').click()
  await paper.getByText('the console command “stop”, 30 seconds to end by itself').waitFor()
  await paper.getByRole('row').filter({ hasText: 'SERVER_JARFILE' }).getByText('required').waitFor()
  await card(page, 'ptdl-v1-garrys-mod.json').getByText('PTDL_v1').waitFor()
  await card(page, 'ptdl-v2-paper.json').getByText('plcn-v3-paper.yaml has a template of the same name that says something else.', { exact: false }).waitFor()
  assert.deepEqual(await violations(page, 'import, checked'), [])
  assert.equal((await alts(plane)).length, 0, 'checking keeps nothing')
  await page.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Import 13 templates' })
  await plan.getByText('The template `OpenTTD Server` is made in the category `Games`.').waitFor()
  assert.equal((await alts(plane)).length, 0, 'the plan has done nothing')
  await agree(page, 'Import 13 templates')
  await until('13 are there', async () => (await alts(plane)).length === 13)
  // The two that had the name of another file are newer versions of it now, and say what they would change.
  await sum(page, '2 new versions')
  const again = card(page, 'ptdl-v2-paper.json')
  await again.getByText('This becomes its version 2', { exact: false }).waitFor()
  await again.getByRole('region', { name: 'What changes in Paper' }).getByText('+', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText('`Paper` gets a version 2.').waitFor()
  await agree(page, 'Import 2 templates')
  await fate(page, 'ptdl-v2-paper.json', 'done')
  await sum(page, 'Nothing to import.')
  const kept = await alts(plane)
  assert.deepEqual(kept.filter(({ version }) => version === 2).map(({ name }) => name).sort(), ['Arma Reforger', 'Paper'])
  // Nothing is left to be imported: one may go.
  await again.getByRole('link', { name: 'Open Paper' }).click()
  await page.getByRole('heading', { level: 1, name: 'Paper' }).waitFor()
})

journey('the same again is nothing to do, and what is left out stays out', { at: '/templates/import' }, async ({ page, plane }) => {
  const before = await alts(plane)
  await choose(page, [file('ptdl-v2-rust.json', sample('ptdl-v2-rust.json')), file('renamed.json', JSON.stringify({ ...JSON.parse(sample('ptdl-v2-rust.json')), name: 'Rust, ours' }))])
  await fate(page, 'ptdl-v2-rust.json', 'same')
  await card(page, 'ptdl-v2-rust.json').getByText('“Rust” in this category says exactly this already.', { exact: false }).waitFor()
  await fate(page, 'renamed.json', 'new')
  await page.getByRole('checkbox', { name: 'Import renamed.json' }).uncheck()
  await fate(page, 'renamed.json', 'left')
  assert.ok(await page.getByRole('button', { name: 'Review' }).isDisabled())
  await page.getByRole('button', { name: 'Leave out ptdl-v2-rust.json' }).click()
  await card(page, 'ptdl-v2-rust.json').waitFor({ state: 'detached' })
  assert.deepEqual(await alts(plane), before)
})

journey('bad eggs say what is wrong, why, and what to do', { at: '/templates/import' }, async ({ page, plane }) => {
  const before = (await alts(plane)).length
  const paper = JSON.parse(sample('ptdl-v2-paper.json'))
  const bomb = `meta: &a [x]\n${Array.from({ length: 30 }, (_, at) => `k${at}: &b${at} [*${at ? `b${at - 1}` : 'a'}, *${at ? `b${at - 1}` : 'a'}]`).join('\n')}\n`
  const hostile = { ...paper, name: 'Hos\u202Etile \u001b[2J<img src=x onerror=pwned>', variables: [{ ...paper.variables[0], env_variable: 'LD_PRELOAD', name: 'Loader' }] }
  const bad = [
    file('empty.json', ''),
    file('words.json', 'not an egg at all {'),
    file('other.json', '{"kind": "Deployment"}'),
    file('future.json', JSON.stringify({ ...paper, meta: { version: 'PTDL_v9' } })),
    file('bytes.json', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
    file('bomb.yaml', bomb),
    file('large.json', JSON.stringify({ ...paper, description: 'x'.repeat(4 << 20) })),
    file('script.json', JSON.stringify({ ...paper, name: 'Too long', scripts: { installation: { ...paper.scripts.installation, script: 'echo x\n'.repeat(8_000) } } })),
    file('hostile.json', JSON.stringify(hostile)),
  ]
  await choose(page, bad)
  await sum(page, '1 new template, 8 refused')
  for (const [name, words] of [
    ['empty.json', 'It is empty.'],
    ['words.json', 'This is no egg:'],
    ['other.json', 'but no egg'],
    ['future.json', 'PTDL_v9'],
    ['bytes.json', 'It is no text in UTF-8'],
    ['bomb.yaml', 'This is no egg:'],
    ['large.json', 'an egg has at most 4.0 MB'],
    ['script.json', 'install.script'],
  ]) {
    await card(page, name).getByRole('alert').getByText(words, { exact: false }).first().waitFor()
  }
  // What is hostile in one that can be read is left out, told, and text on the screen.
  const told = card(page, 'hostile.json')
  await told.getByText('LD_PRELOAD', { exact: false }).first().waitFor()
  await told.getByText('Needs attention').waitFor()
  assert.equal(await told.locator('img').count(), 0)
  assert.deepEqual(await violations(page, 'import, bad eggs'), [])
  await page.getByRole('button', { name: 'Leave out all of them' }).click()
  await page.getByText('Drop eggs here').waitFor()
  assert.equal((await alts(plane)).length, before)
})

journey('a template goes out as an egg and comes back as the same', { at: '/templates' }, async ({ page, plane }) => {
  await page.getByRole('link', { name: 'Mumble Server' }).click()
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Export Mumble Server' })
  assert.equal(await dialog.getByLabel('Format').inputValue(), 'PTDL_v2', 'as it came')
  await dialog.getByLabel('Format').selectOption('PLCN_v3')
  await dialog.getByText('YAML', { exact: true }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save the file' }).click()])
  assert.equal(download.suggestedFilename(), 'egg-mumble-server.yaml')
  const text = readFileSync(await download.path(), 'utf8')
  assert.match(text, /PLCN_v3/)
  const read = await plane.call('POST', '/alts/read', { text })
  assert.equal(read.hash, (await alts(plane)).find(({ name }) => name === 'Mumble Server').hash)
})

journey('an egg with a large picture is taken whole', { at: '/templates/import' }, async ({ page, plane }) => {
  const picture = `data:image/png;base64,${Buffer.alloc(300_000, 7).toString('base64')}`
  await choose(page, [file('picture.json', JSON.stringify({ ...JSON.parse(sample('plcn-v3-python-generic.json')), name: 'With a picture', image: picture }))])
  await fate(page, 'picture.json', 'new')
  await page.getByRole('button', { name: 'Review' }).click()
  await agree(page, 'Import 1 template')
  await fate(page, 'picture.json', 'done')
  const made = (await alts(plane)).find(({ name }) => name === 'With a picture')
  assert.equal((await plane.call('GET', `/alts/${made.id}`)).document.icon, picture)
})

journey('by keyboard alone, and on a phone', { at: '/templates/import', size: 'phone' }, async ({ page }) => {
  const button = page.getByRole('button', { name: 'Choose files' })
  await tabTo(page, button, 'the picker')
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')])
  await chooser.setFiles([file('one.json', JSON.stringify({ ...JSON.parse(sample('ptdl-v2-vanilla.json')), name: 'By hand' })), file('none.json', '{}')])
  await sum(page, '1 new template, 1 refused')
  await fits(page)
  assert.deepEqual(await violations(page, 'import, phone'), [])
  await tabTo(page, page.getByRole('button', { name: 'Review' }), 'the review')
  await page.keyboard.press('Enter')
  await agree(page, 'Import 1 template')
  await fate(page, 'one.json', 'done')
})

journey('who may not change templates is told so, and who could give it', { at: '/templates' }, async ({ page, plane, me }) => {
  const role = await plane.call('POST', '/roles', { name: 'Looker', permissions: ['server:view'] })
  const { link } = await plane.call('POST', '/invitations', { email: 'kim@example.org', role: role.id })
  const password = 'seven otters below a quiet bridge'
  const joined = await fetch(`${plane.url}/api/v1/auth/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: plane.url },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), name: 'Kim', password }),
  })
  assert.ok(joined.ok, await joined.text())
  await me.context.clearCookies()
  me.forget()
  await page.goto('/templates/import')
  await page.getByLabel('E-mail').fill('kim@example.org')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Changing templates needs the permission admin:templates.').waitFor()
  assert.equal(await page.locator('[data-egg-picker]').count(), 0)
  me.forget()
})
