// One file of a running app: found, changed by keyboard, seen as a difference, watched, refused when broken, back when it crashes.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const { journey } = world({}, async (shared) => {
  shared.app = await shared.plane.app('hello-node')
})

const content = (plane, app, path) => plane.call('GET', `/apps/${app.id}/files/content?path=${encodeURIComponent(path)}`)
const serves = async (app) => (await fetch(app.url)).text()
const bench = async (me, app, path) => {
  const page = await me.open(`/apps/${app.id}/files${path ? `?file=${path}` : ''}`)
  await settled(page)
  return page
}

journey('a file is found, changed by keyboard and goes live while the old release serves', { at: null }, async ({ me, plane, app }) => {
  const page = await bench(me, app)
  await page.getByRole('searchbox', { name: 'Search files' }).fill('server')
  await page.getByRole('button', { name: /server\.js/ }).focus()
  await page.keyboard.press('Enter')
  const editor = page.getByRole('textbox', { name: 'What server.js holds' })
  await editor.waitFor()
  const before = await content(plane, app, 'server.js')
  assert.equal(await editor.inputValue(), before.text)
  await editor.fill(before.text.replaceAll('Hello from ServerFlow', 'Patched by hand'))
  await page.getByText('JavaScript, well formed').waitFor()
  const difference = page.getByRole('region', { name: 'What changes in server.js' })
  await difference.getByText('<h1>Patched by hand</h1>').waitFor()
  assert.equal((await content(plane, app, 'server.js')).hash, before.hash, 'a look changes nothing')
  await editor.focus()
  await page.keyboard.press('Control+s')
  const plan = page.getByRole('dialog', { name: 'Change server.js of hello-node' })
  await plan.getByText(/Make a release that is the live one with this change/).waitFor()
  await plan.getByRole('button', { name: 'Change server.js of hello-node' }).click()
  const live = page.getByRole('dialog')
  await live.getByText('Read it by its grammar').waitFor()
  await live.getByText(/Watched for a crash/).waitFor({ timeout: 40_000 })
  await live.getByText('Succeeded').first().waitFor({ timeout: 40_000 })
  await page.keyboard.press('Escape')
  assert.match(await serves(app), /Patched by hand/)
  await until('the bench shows the live text as unchanged', () => page.getByText('as it is live').isVisible())
})

journey('what is not well formed is shown where it is, and cannot be applied', { at: null }, async ({ me, plane, app }) => {
  const page = await bench(me, app, 'package.json')
  const editor = page.getByRole('textbox', { name: 'What package.json holds' })
  await editor.waitFor()
  await editor.fill('{\n  "name": \n}\n')
  await page.getByText(/JSON, not well formed/).waitFor()
  await page.getByRole('button', { name: /^Line \d/ }).first().waitFor()
  assert.equal(await page.getByRole('button', { name: 'Review the change' }).isDisabled(), true)
  assert.deepEqual(await violations(page, 'bench'), [])
  await page.getByLabel('Write it although it is not well formed').check()
  assert.equal(await page.getByRole('button', { name: 'Review the change' }).isDisabled(), false)
  await page.getByRole('button', { name: 'Discard' }).click()
  await page.getByText('as it is live').waitFor()
  assert.equal((await plane.call('GET', '/runs?limit=5')).filter(({ action }) => action === 'patch.force').length, 0)
})

journey('what crashes comes back, and the run says how fast', { at: null }, async ({ me, plane, app }) => {
  const before = await content(plane, app, 'server.js')
  const page = await bench(me, app, 'server.js')
  const editor = page.getByRole('textbox', { name: 'What server.js holds' })
  await editor.waitFor()
  await editor.fill(`${before.text}\nsetTimeout(() => process.exit(7), 2000)\n`)
  await page.getByText('JavaScript, well formed').waitFor()
  await page.getByRole('button', { name: 'Review the change' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Change server.js of hello-node' }).click()
  const live = page.getByRole('dialog')
  await live.getByText(/the previous release serves again after \d+ ms/).waitFor({ timeout: 40_000 })
  await live.getByRole('link', { name: 'Open the run' }).click()
  // What was typed is kept, since it did not become live.
  await page.getByRole('dialog').getByRole('button', { name: 'Discard and leave' }).click()
  await page.waitForURL('**/runs/*')
  await page.getByText(/as it was, and served, \d+ ms after the trouble was seen/).waitFor()
  assert.equal((await content(plane, app, 'server.js')).hash, before.hash)
  assert.match(await serves(app), /Patched by hand/)
})

journey('the run of a patch never says what it writes', { at: null }, async ({ plane, app }) => {
  const { text, hash } = await content(plane, app, 'package.json')
  const opened = await plane.call('POST', `/apps/${app.id}/patches`, { path: 'package.json', before: hash, text: text.replace('{', '{ "note": "hush-hush",') })
  const run = await until('it ends', async () => {
    const now = await plane.call('GET', `/runs/${opened.run.id}`)
    return now.done && now
  }, 60_000)
  const told = JSON.stringify([run, await plane.call('GET', `/runs/${run.id}/timeline`), await plane.call('GET', '/activity')])
  assert.equal(told.includes('hush-hush'), false)
  assert.equal(run.args.textBytes > 0, true)
})

for (const size of ['wide', 'phone']) {
  journey(`the bench is accessible: ${size}`, { at: null, size }, async ({ me, app }) => {
    const page = await bench(me, app, 'server.js')
    await page.getByRole('textbox', { name: 'What server.js holds' }).waitFor()
    assert.deepEqual(await violations(page, 'bench'), [])
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide`)
  })
}
