// Machines: one that falls silent, one let in by its code, three hundred of them.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { violations } from '../axe.mjs'
import { person, settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const { journey } = world({}, async (shared) => {
  shared.node = await shared.plane.node()
  shared.app = await shared.plane.app('hello-node')
})

journey('an agent that is killed is told as silent, its app as running on, and both come back', { at: ({ node }) => `/nodes/${node.id}` }, async ({ page, me, plane, app }) => {
  await page.getByText('Online').first().waitFor()
  const onApp = await me.open(`/apps/${app.id}`)
  await settled(onApp)
  await plane.killAgent()
  await page.getByText('This node does not answer').waitFor({ timeout: 60_000 })
  await page.getByText(/Apps on it run on/).waitFor()
  await onApp.getByText(/is not connected/).first().waitFor({ timeout: 30_000 })
  assert.equal((await fetch(app.url)).status, 200, 'and so it is')
  plane.startAgent()
  await page.getByText('This node does not answer').waitFor({ state: 'detached', timeout: 60_000 })
  await page.getByText('Online').first().waitFor()
  await onApp.getByText(/is not connected/).first().waitFor({ state: 'detached' })
  assert.equal((await fetch(app.url)).status, 200)
})

journey('a machine is let in by the code on its screen', { at: '/nodes/new' }, async ({ page, plane }) => {
  const token = await plane.call('POST', '/enrol-tokens', {})
  const [, url] = /--url[ =]'?([^\s']+)/.exec(token.command)
  const machine = plane.agentCommand(['enrol', '--url', url, '--root', token.rootFingerprint, '--device'], join(plane.folder, 'second'))
  const code = await until('a code is on its screen', () => /\b([A-Z0-9]{4}-[A-Z0-9]{4})\b/.exec(machine.text)?.[1])
  const words = /\b([a-z]+(?:[- ][a-z]+){5})\b/.exec(machine.text.split('\n').find((line) => /word/i.test(line)) ?? machine.text)?.[1]
  await page.getByText('127.0.0.1').first().waitFor()
  if (words) await page.getByText(words.replaceAll(' ', '-')).or(page.getByText(words)).first().waitFor()
  await page.getByLabel('Code on the machine’s screen').fill(code.toLowerCase())
  await page.getByRole('textbox', { name: /^Name/ }).last().fill('by-code')
  await page.getByRole('button', { name: 'Let it in' }).click()
  const plan = page.getByRole('dialog')
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Let the machine in' }).click()
  await page.waitForURL(/\/nodes\/[0-9a-f-]{36}/)
  await page.getByRole('heading', { name: 'by-code' }).waitFor()
  assert.equal(await machine.done, 0, machine.text)
})

journey('a service of the machine is steered once its owner allows it', { at: ({ node }) => `/nodes/${node.id}/processes` }, async ({ page, plane, me, node }) => {
  await page.getByText('No service is steered from here').waitFor()
  const [policy, on] = [join(plane.agentState, 'policy.toml'), join(plane.folder, 'beacon')]
  const line = (verb, ...words) => `${verb} = ${JSON.stringify(words)}\n`
  const service = `[services.beacon]\n${line('start', '/usr/bin/touch', on)}${line('stop', '/usr/bin/rm', on)}${line('status', '/usr/bin/test', '-e', on)}`
  writeFileSync(policy, `danger = true\n${readFileSync(policy, 'utf8')}\n${service}`)
  const row = page.getByRole('row').filter({ hasText: 'beacon' })
  await row.getByText('Stopped').waitFor()
  await page.getByRole('row').filter({ hasText: 'nginx' }).waitFor()
  const found = await violations(page, 'services')
  await row.getByRole('button', { name: 'Start beacon' }).press('Enter')
  const plan = page.getByRole('dialog', { name: /Start beacon on / })
  await plan.getByText(/in the way its owner has laid down there/).waitFor()
  assert.ok(!existsSync(on), 'a plan does nothing')
  await plan.getByRole('button', { name: /Start beacon on / }).click()
  const followed = page.getByRole('dialog', { name: 'Steer a service' })
  await followed.getByText('Succeeded', { exact: true }).waitFor({ timeout: 20_000 })
  await page.keyboard.press('Escape')
  await row.getByText('Running').waitFor({ timeout: 20_000 })
  assert.ok(existsSync(on))

  const phone = await person(plane, { size: 'phone' })
  const small = await phone.open(`/nodes/${node.id}/processes`)
  await settled(small)
  await small.getByRole('button', { name: 'Stop beacon' }).click()
  const stop = small.getByRole('dialog', { name: /Stop beacon on / })
  await stop.getByText(/whatever needs `?beacon/).waitFor()
  assert.ok((await small.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, 'wider than the screen')
  found.push(...(await violations(small, 'stopping')))
  await stop.getByRole('button', { name: /Stop beacon on / }).click()
  await row.getByText('Stopped').waitFor({ timeout: 20_000 })
  assert.ok(!existsSync(on))
  phone.assertQuiet()
  await phone.close()
  assert.deepEqual(found, [])
  me.assertQuiet()
})

journey('three hundred nodes are found, walked and opened as quickly as one', { at: null, timeout: 120_000 }, async ({ me, plane }) => {
  const key = () => generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
  const input = Array.from({ length: 300 }, key).join('\n')
  execFileSync('python3', [new URL('../fleet.py', import.meta.url).pathname, join(plane.state, 'control', 'serverflow.db')], { input })
  const page = await me.open('/nodes')
  await page.getByRole('link', { name: 'node-001' }).waitFor()
  const rows = page.getByRole('row')
  assert.ok((await rows.count()) < 80, `only rows near the screen are in the page: ${await rows.count()}`)
  await until('the last one is reached by scrolling', async () => {
    await page.mouse.wheel(0, 4_000)
    return page.getByRole('link', { name: 'node-300' }).isVisible()
  })
  await page.evaluate(() => scrollTo(0, 0))
  await page.getByRole('searchbox', { name: 'Search nodes' }).fill('node-27')
  await page.getByRole('link', { name: 'node-277' }).waitFor()
  await until('what does not match is gone', async () => (await page.getByRole('link', { name: /^node-/ }).count()) === 10)
  assert.match(page.url(), /q=node-27/)
  await page.getByRole('searchbox', { name: 'Search nodes' }).fill('')
  await page.goto('/')
  await settled(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('node-123')
  await page.getByRole('option', { name: /node-123/ }).first().waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'node-123' }).waitFor()
})
