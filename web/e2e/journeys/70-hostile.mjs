// What strangers write (names, commit messages, branches, log lines) is text, whatever it looks like.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { clone, until } from '../plane.mjs'

const IMAGE = '<img src=x onerror="window.pwned=1">'
const OVERRIDE = '\u202e'
const ZERO = '\u200b'
const SUBJECT = `${IMAGE} ${OVERRIDE}gpj.exe pay${ZERO}pal {{constructor.constructor('window.pwned=1')()}}`
/** Lines of the long log that a real app writes. */
const LINES = 3_000
const PROGRAM = `
const esc = String.fromCharCode(27), bell = String.fromCharCode(7)
console.log('<script>window.pwned=1</' + 'script>')
console.log(${JSON.stringify(IMAGE)})
console.log(esc + '[31mred' + esc + '[0m ' + esc + '[2J' + esc + '[H' + esc + ']0;title' + bell + esc + ']8;;javascript:window.pwned=1' + bell + 'a link' + esc + ']8;;' + bell)
console.log('${OVERRIDE}desrever pay${ZERO}pal')
console.log('x'.repeat(1024 * 1024) + ' end of the long line')
for (let at = 1; at <= ${LINES}; at++) console.log('counted line ' + at)
`

const { journey } = world({}, async (shared) => {
  const { plane } = shared
  const file = (name) => readFileSync(join(clone, 'examples/hello-node', name), 'utf8')
  const repository = await plane.repository('hostile', [
    { message: SUBJECT, files: { 'package.json': file('package.json').replace('The smallest app', IMAGE.replaceAll('"', '\\"')), 'serverflow.app.toml': file('serverflow.app.toml'), 'server.js': file('server.js').replace('server.listen', `${PROGRAM}\nserver.listen`) } },
  ])
  await promisify(execFile)('git', ['-C', new URL(repository).pathname, 'branch', '<b>bold</b>'])
  const node = await plane.node()
  shared.node = await plane.call('PATCH', `/nodes/${node.id}`, { name: `${IMAGE} & <b>co</b>` })
  shared.app = await plane.call('POST', '/apps', { name: 'hostile', nodeId: node.id, settings: { repository, env: [{ name: 'HTML', value: IMAGE }] } })
  shared.run = await plane.deploy(shared.app)
})

async function assertText(page) {
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined, `${page.url()} ran a stranger's script`)
  assert.equal(await page.locator('img:not([src="/icon.svg"]), main b, main script').count(), 0, `${page.url()} made elements of a stranger's text`)
}

journey('pages show hostile names and messages as text', { at: null, timeout: 120_000 }, async ({ me, app, node, run, plane }) => {
  assert.equal(run.done, 'succeeded')
  const page = await me.open('/')
  const release = (await plane.call('GET', `/apps/${app.id}/releases`))[0]
  for (const path of ['/', '/nodes', `/nodes/${node.id}`, '/apps', `/apps/${app.id}`, `/apps/${app.id}/deployments`, `/apps/${app.id}/deployments/${release.number}`, `/apps/${app.id}/env`, '/runs', `/runs/${run.id}`, '/activity', '/apps/new']) {
    await page.goto(path)
    await settled(page)
    await assertText(page)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(over <= 0, `${path} is ${over} px wider than the screen`)
  }
  await page.goto(`/apps/${app.id}`)
  await page.getByText(/onerror="window\.pwned=1"/).first().waitFor()
  await page.goto(`/nodes/${node.id}`)
  await page.getByRole('heading', { name: node.name }).waitFor()
})

journey('a branch with a hostile name is offered as text', { at: ({ app }) => `/apps/${app.id}` }, async ({ page }) => {
  await page.getByRole('button', { name: 'Other ways to deploy' }).click()
  await page.getByRole('menuitem', { name: /Another branch/ }).click()
  await page.getByRole('button', { name: '<b>bold</b>' }).waitFor()
  await assertText(page)
})

journey('log lines are shown as they are, and what they hide is named', { at: ({ app }) => `/apps/${app.id}/logs` }, async ({ page }) => {
  const log = page.getByRole('region', { name: 'Log' }).last()
  await log.getByText(`counted line ${LINES}`).waitFor({ timeout: 20_000 })
  await log.focus()
  await until('the first lines are reached', async () => {
    await log.evaluate((frame) => frame.scrollTo(0, 0))
    return log.getByText('<script>window.pwned=1</script>').isVisible()
  }, 30_000)
  await assertText(page)
  assert.equal(await log.locator('a[href^="javascript"]').count(), 0)
  await page.getByRole('button', { name: /Show whole line/ }).first().waitFor()
  const shown = await log.textContent()
  assert.ok(!shown.includes(OVERRIDE), 'a reversing mark is shown as a mark')
  assert.ok(!shown.includes(String.fromCharCode(27)), 'an escape is obeyed or shown, never sent on')
  assert.ok((await log.locator('[data-line]').count()) < 200, 'only lines near the screen are in the page')
})

journey('fifty thousand lines: searched, walked and scrolled without a pause', { at: null }, async ({ me, app, plane }) => {
  const page = await me.context.newPage()
  const all = Array.from({ length: 50_000 }, (_, at) => ({ sequence: at + 1, at: new Date(1_795_000_000_000 + at * 20).toISOString(), stream: at % 97 ? 'out' : 'err', text: `\u001b[32mINFO\u001b[0m request ${at + 1} took ${(at * 7) % 900} ms${at % 500 === 499 ? ' with a needle in it' : ''}` }))
  const live = await plane.app('hostile')
  await page.route(`**/api/v1/apps/${app.id}/logs?**`, (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get('after') ?? 0)
    return route.fulfill({ json: { success: true, error: null, meta: { requestId: 'x', timestamp: new Date().toISOString() }, data: { releaseId: live.liveRelease.id, lines: all.slice(after), dropped: 0 } } })
  })
  await page.goto(`/apps/${app.id}/logs`)
  const log = page.getByRole('region', { name: 'Log' }).last()
  await log.getByText('request 50000 took').waitFor({ timeout: 20_000 })
  assert.ok((await log.locator('[data-line]').count()) < 200)
  const frames = await log.evaluate(async (frame) => {
    const gaps = []
    let before = performance.now()
    for (let step = 0; step < 60; step++) {
      frame.scrollTop = (frame.scrollHeight * ((step * 37) % 60)) / 60
      await new Promise((resolve) => requestAnimationFrame(resolve))
      const now = performance.now()
      gaps.push(now - before)
      before = now
    }
    return gaps.sort((a, b) => a - b)
  })
  // The quicker quarter: what the page costs, not what else this machine does.
  assert.ok(frames[15] < 50, `a frame takes ${frames[15].toFixed(0)} ms`)
  const search = page.getByRole('textbox', { name: 'Search in the log' }).or(page.getByRole('searchbox', { name: 'Search in the log' }))
  await search.fill('needle')
  await page.getByText('100 lines').waitFor({ timeout: 5_000 })
  await search.press('Enter')
  await page.getByText(/\d+ of 100/).waitFor()
  await log.getByText('needle').first().waitFor()
})
