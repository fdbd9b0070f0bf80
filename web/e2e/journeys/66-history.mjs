// What was, over time: metrics of an app and its machine with deploys marked and read by keyboard; lines of all releases searched.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const SERVER = `const http = require('node:http')
console.log('\\u001b[32mshop\\u001b[0m listens')
console.error('ERROR time\\u001b[31mout\\u001b[0m of nothing')
http.createServer((_, answer) => { console.log('asked for a page'); answer.end('fine') }).listen(Number(process.env.PORT), '127.0.0.1')
`

const { journey, shared } = world({}, async (shared) => {
  const { plane } = shared
  const files = { 'server.js': SERVER, 'package.json': JSON.stringify({ name: 'talker', version: '1.0.0', scripts: { start: 'node server.js' } }) }
  const repository = await plane.repository('talker', [{ message: 'One', files }])
  shared.app = await plane.call('POST', '/apps', { name: 'talker', nodeId: (await plane.node()).id, settings: { repository, reference: 'main' } })
  for (const nth of [1, 2]) {
    const deployed = await plane.deploy(shared.app)
    assert.equal(deployed.done, 'succeeded', `${nth}: ${JSON.stringify(deployed.outcome)}`)
  }
  await until('both releases have spoken', async () => (await plane.call('GET', `/apps/${shared.app.id}/logs/search?q=listens`)).hits.length >= 2)
  await until('there is a sample', async () => (await plane.call('GET', `/apps/${shared.app.id}/metrics`)).length > 0, 90_000)
})

const logs = (query = '') => ({ app }) => `/apps/${app.id}/logs?in=all${query}`

journey('a line is found in every release, whatever its colours, and leads to its place', { at: logs() }, async ({ page }) => {
  await page.getByText(/Kept 30 days or/).waitFor()
  await page.getByRole('searchbox').fill('TIMEOUT of')
  const found = page.getByRole('list', { name: 'Lines found, newest first' })
  await page.getByText(/^2 lines found in/).waitFor()
  assert.equal(await found.getByRole('listitem').count(), 2)
  await found.getByRole('link', { name: /^#2/ }).waitFor()
  await page.getByText(/All that is kept was looked at/).waitFor()
  await page.getByRole('combobox', { name: 'Lines around' }).selectOption('2')
  await found.getByText(/listens/).first().waitFor()
  await found.getByRole('link', { name: /^#1/ }).click()
  await page.waitForURL(/release=.*#L\d+/)
})

journey('an expression finds, and a wrong one says what is wrong', { at: logs('&q=ERROR.*nothing&regex=1') }, async ({ page }) => {
  await page.getByText(/^2 lines found in/).waitFor()
  await page.getByRole('searchbox').fill('(open')
  await page.getByText(/no regular expression/).waitFor()
  await page.getByRole('searchbox').fill('no such thing at all')
  await page.getByText('No line found').waitFor()
})

journey('levels narrow, and new lines that are looked for are told', { at: logs('&level=error') }, async ({ page, plane }) => {
  await page.getByText(/^2 lines found in/).waitFor()
  await page.getByRole('combobox', { name: 'Level' }).selectOption('')
  // What comes after this search has been answered is new to it; before, it would be new to the one that is still on screen.
  const answered = page.waitForResponse((answer) => /logs\/search\?.*asked/.test(answer.url()))
  await page.getByRole('searchbox').fill('asked for a page')
  await answered
  await page.getByText(/lines? found in/).waitFor()
  await fetch((await plane.app('talker')).url)
  const more = page.getByRole('button', { name: /new lines? found since: show/ })
  await more.waitFor({ timeout: 20_000 })
  await more.click()
  await more.waitFor({ state: 'detached' })
})

journey('metrics are seen over every range, read by keyboard and as a table, with deploys', { at: ({ app }) => `/apps/${app.id}/metrics?range=1h` }, async ({ page }) => {
  const values = page.getByRole('slider', { name: /^CPU, value by value/ })
  await values.focus()
  await page.keyboard.press('End')
  assert.match(await values.getAttribute('aria-valuetext'), /\d.*: CPU .*%/)
  await page.keyboard.press('Home')
  assert.equal(await values.getAttribute('aria-valuenow'), '0')
  const deploys = page.getByRole('list', { name: 'Deploys in this time' })
  assert.equal(await deploys.getByRole('listitem').count(), 2)
  await page.getByRole('button', { name: 'Memory as a table' }).click()
  await page.getByRole('region', { name: 'Memory' }).getByRole('row').nth(1).waitFor()
  for (const range of ['24 h', '7 d', '30 d', '1 year']) {
    await page.getByRole('radio', { name: range }).check({ force: true })
    await values.waitFor()
    assert.equal(await deploys.getByRole('listitem').count(), 2, range)
  }
  await deploys.getByRole('link').first().click()
  await page.waitForURL(/\/runs\//)
})

for (const size of ['wide', 'phone']) {
  journey(`its pages are accessible: ${size}`, { at: null, size }, async ({ me, plane, app }) => {
    const node = await plane.node()
    const found = []
    const page = await me.open(`/apps/${app.id}/logs?in=all&q=timeout&around=2`)
    await page.getByText(/lines found in/).waitFor()
    for (const path of [`/apps/${app.id}/logs?in=all&q=timeout&around=2`, `/apps/${app.id}/logs`, `/apps/${app.id}/metrics?range=1y`, `/nodes/${node.id}/metrics?range=30d`]) {
      await page.goto(path)
      await settled(page)
      found.push(...(await violations(page, path)))
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) found.push(`${path}: ${over} px wider than the screen`)
    }
    if (found.length > 0) assert.fail(`${found.length} findings\n    ${found.join('\n    ')}`)
  })
}
