// From nothing: a control plane that knows nobody, the first administrator, the first machine, the first app.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { violations } from '../axe.mjs'
import { clone } from '../plane.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'

const { journey } = world({ bare: true })
/** What we promise a stranger: from the first page to an online node. */
const FIRST_NODE_MS = 120_000

journey('a stranger gets from the first page to an app that serves', { signedIn: false }, async ({ page, plane }) => {
  const began = Date.now()
  await page.waitForURL('**/welcome')
  const code = /^ +([a-z0-9]{5}-[a-z0-9]{5})$/m.exec(plane.log)?.[1]
  assert.ok(code, 'the server prints a set-up code')
  const findings = await violations(page, 'welcome, you')

  await page.getByLabel('Set-up code').fill('wrong-wrong')
  await page.getByLabel('Your name').fill('Ada Lovelace')
  await page.getByLabel('E-mail').fill('ada@example.org')
  await page.getByLabel('Password', { exact: true }).fill('a horse, a staple and 7 pears')
  await page.getByRole('button', { name: 'Make the account' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Set-up code').fill(code)
  await page.getByRole('button', { name: 'Make the account' }).click()
  plane.admin = { email: 'ada@example.org', password: 'a horse, a staple and 7 pears' }

  const line = await page.getByText(/serverflow-agent enrol/).first().textContent()
  findings.push(...(await violations(page, 'welcome, machine')))
  const args = Object.fromEntries([...line.matchAll(/--(url|root|token)[ =]'?([^\s']+)/g)].map(([, name, value]) => [name, value]))
  const enrolled = plane.agentCommand(['enrol', '--url', args.url, '--root', args.root, '--token', args.token])
  assert.equal(await enrolled.done, 0, enrolled.text)
  plane.startAgent()
  await page.getByText(/is online/).first().waitFor({ timeout: 30_000 })
  assert.ok(Date.now() - began < FIRST_NODE_MS, 'the first node is there within two minutes')

  await page.getByRole('link', { name: 'Deploy from git' }).click()
  await page.waitForURL('**/apps/new')
  const site = await plane.repository('site', [{ message: 'Open the shop', files: { 'index.html': readFileSync(join(clone, 'examples/hello-static/index.html'), 'utf8') } }])
  await page.getByRole('textbox', { name: 'Repository' }).fill(site)
  await page.getByRole('button', { name: 'Look inside' }).click()
  await page.getByText('Open the shop').first().waitFor()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('shop')
  findings.push(...(await violations(page, 'new app, found')))
  await page.getByRole('button', { name: 'Review and deploy' }).click()
  const plan = page.getByRole('dialog', { name: /shop/ })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: /shop/ }).click()
  await page.getByRole('dialog').getByText('Succeeded').first().waitFor({ timeout: 30_000 })
  await page.waitForURL('**/apps/*')
  await page.keyboard.press('Escape')
  await settled(page)
  const { url } = await plane.app('shop')
  assert.equal((await fetch(url)).status, 200)
  await page.getByRole('link', { name: 'Open' }).waitFor()
  assert.deepEqual(findings, [])
})

journey('home says what comes next, and the set-up is over for good', {}, async ({ page, me }) => {
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  const second = await me.open('/welcome')
  await second.waitForLoadState('networkidle')
  assert.equal(await second.getByLabel('Set-up code').count(), 0)
})
