// Names that lead to apps: added, served by a real nginx, put aside for maintenance, refused to others, removed.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const NAME = 'shop.example.org'
/** An authority that nobody is: asking it fails at once, and says so. */
const NOBODY = 'acme = "https://127.0.0.1:1/directory"'

const { journey } = world({}, async (shared) => {
  const { plane } = shared
  shared.web = await plane.serveDomains(NOBODY)
  shared.app = await plane.app('hello-node')
  const files = { 'index.html': 'the front of it', 'handbook/index.html': 'the handbook' }
  const repository = await plane.repository('handbook', [{ message: 'A handbook', files }])
  const made = await plane.call('POST', '/apps', { name: 'handbook', nodeId: shared.app.nodeId, settings: { repository } })
  shared.other = made
  const run = await plane.deploy(made)
  assert.equal(run.done, 'succeeded', JSON.stringify(run.outcome))
})

/** What nginx answers whoever asks for a host. */
const ask = (port, host, path = '/') =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, headers: { host } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part) => (text += part))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
    })
    asked.on('error', reject).end()
  })
const domainOf = async (plane, name = NAME) => (await plane.call('GET', `/proxies?q=${name}`)).find(({ domain }) => domain === name)

/** Goes on by Tab, as one without a mouse, until something has the focus. */
async function tabTo(page, target, what) {
  for (let at = 0; at < 60; at++) {
    if (await target.evaluate((element) => element === document.activeElement).catch(() => false)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`no Tab leads to ${what}`)
}
async function apply(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name }).click()
  await page.getByRole('dialog').getByText('Succeeded').first().waitFor({ timeout: 40_000 })
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

journey('a domain is added by keyboard alone, after its plan, and nginx serves it', { at: '/domains' }, async ({ page, plane, web }) => {
  await page.getByText('No domains yet').waitFor()
  await page.getByText(/add an A record/).waitFor()
  await page.getByRole('link', { name: 'Add a domain' }).first().waitFor()
  await page.keyboard.press('n')
  await page.waitForURL('**/domains/new')
  const app = page.getByLabel('App', { exact: true })
  await app.waitFor()
  await tabTo(page, app, 'the app')
  await page.keyboard.type('hello')
  const name = page.getByLabel('Domain', { exact: true })
  await tabTo(page, name, 'the name')
  await page.keyboard.type('Shop.Example')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Add shop.example' }).getByRole('listitem').first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await tabTo(page, name, 'the name again')
  await page.keyboard.press('End')
  await page.keyboard.type('.ORG')
  await tabTo(page, page.getByRole('radio', { name: 'HTTPS', exact: true }), 'encryption')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.getByText('No certificate is asked for.', { exact: false }).waitFor()
  await tabTo(page, page.getByRole('button', { name: 'Review' }), 'the review')
  await page.keyboard.press('Enter')
  const plan = page.getByRole('dialog', { name: `Add ${NAME}` })
  await plan.getByText(new RegExp(`${NAME} shall lead to .hello-node.`)).waitFor()
  assert.equal((await plane.call('GET', '/proxies')).length, 0, 'the plan has done nothing')
  await tabTo(page, plan.getByRole('button', { name: `Add ${NAME}` }), 'the button')
  await page.keyboard.press('Enter')
  const live = page.getByRole('dialog')
  await live.getByText('Have nginx serve it').waitFor({ timeout: 30_000 })
  await live.getByText('Succeeded').first().waitFor({ timeout: 40_000 })
  await page.keyboard.press('Escape')
  await page.waitForURL('**/domains')
  await page.getByRole('link', { name: NAME, exact: true }).waitFor()
  await page.getByText('Served', { exact: true }).waitFor()
  await page.getByText('Plain HTTP', { exact: true }).waitFor()
  assert.equal(await page.getByRole('link', { name: `Open http://${NAME}` }).getAttribute('href'), `http://${NAME}`)
  const answer = await ask(web, NAME)
  assert.equal(answer.status, 200)
  await assert.rejects(ask(web, 'evil.example.org'), 'another host gets nothing')
})

journey('what is no domain is said beside its field, and nothing is asked for', { at: '/domains/new' }, async ({ page }) => {
  let asked = 0
  page.on('request', (request) => request.method() === 'POST' && request.url().includes('/proxies') && asked++)
  await page.getByLabel('App', { exact: true }).selectOption({ label: 'hello-node' })
  for (const [typed, why] of [
    ['localhost', /at least two parts/],
    ['a.example; return 200', /letters, digits and hyphens/],
    ['*.example.org', /wildcard/],
    ['192.0.2.1', /an address/],
  ]) {
    await page.getByLabel('Domain', { exact: true }).fill(typed)
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('alert').getByText(why).or(page.getByText(why)).first().waitFor()
  }
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true', 'one is led to it')
  assert.equal(asked, 0)
  await page.getByRole('link', { name: 'Domains' }).click()
  await page.getByRole('dialog').getByRole('button', { name: /Leave|Discard|without/ }).click()
  await page.waitForURL('**/domains')
})

journey('maintenance: a page with 503 in place of the app, and back', { at: null }, async ({ me, plane, web }) => {
  const domain = await domainOf(plane)
  const page = await me.open(`/domains/${domain.id}/settings`)
  await settled(page)
  await page.getByLabel('Show a maintenance page').check()
  await page.getByLabel('What people read').fill('Back at noon.\n<b>Thanks</b> for waiting.')
  await page.getByText('1 change, not applied.').waitFor()
  await page.getByRole('button', { name: 'Review the change' }).click()
  await page.getByRole('dialog').getByText('Show a maintenance page in place of the app').waitFor()
  await apply(page, `Change ${NAME}`)
  await page.getByText('Maintenance', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Review the change' }).waitFor({ state: 'detached' })
  const closed = await ask(web, NAME)
  assert.equal(closed.status, 503)
  assert.match(closed.text, /Back at noon\./)
  assert.doesNotMatch(closed.text, /<b>Thanks/, 'plain text stays plain')
  await page.getByLabel('Show a maintenance page').uncheck()
  await page.getByRole('button', { name: 'Review the change' }).click()
  await apply(page, `Change ${NAME}`)
  assert.equal((await ask(web, NAME)).status, 200)
})

journey('a path leads to another app of the node', { at: null, size: 'phone' }, async ({ me, plane, web, other }) => {
  const domain = await domainOf(plane)
  const page = await me.open(`/domains/${domain.id}/settings`)
  await settled(page)
  await page.getByRole('button', { name: 'Add a path' }).click()
  await page.getByLabel('Path 1').fill('handbook')
  await page.getByText(/A path begins with \//).waitFor()
  await page.getByLabel('Path 1').fill('/handbook')
  await page.getByLabel('App of /handbook').selectOption({ label: 'handbook' })
  await page.getByRole('button', { name: 'Review the change' }).click()
  await page.getByRole('dialog').getByText('Lead /handbook to handbook').waitFor()
  await apply(page, `Change ${NAME}`)
  assert.deepEqual((await domainOf(plane)).settings.routes, [{ path: '/handbook', app: other.id }])
  assert.match((await ask(web, NAME, '/handbook/')).text, /the handbook/)
  assert.doesNotMatch((await ask(web, NAME)).text, /handbook/)
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByText('/handbook', { exact: true }).waitFor()
})

journey('a name that leads to an app is refused to another one, in the words of the API', { at: ({ other }) => `/apps/${other.id}/domains` }, async ({ page, plane }) => {
  await page.getByText('No domains yet').waitFor()
  await page.getByRole('link', { name: 'Add a domain' }).first().click()
  await page.getByRole('heading', { name: 'Add a domain to handbook' }).waitFor()
  await page.getByLabel('Domain', { exact: true }).fill(NAME)
  await page.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog')
  await plan.getByRole('alert').getByText(`${NAME} leads to an app already.`).waitFor()
  await plan.getByText('Remove it there first, or choose another name.').waitFor()
  assert.ok(await plan.getByRole('button', { name: `Add ${NAME}` }).isDisabled())
  assert.equal((await plane.call('GET', '/proxies')).length, 1)
})

journey('a certificate that cannot be had: the domain is served, and why there is none is said with what helps', { at: ({ app }) => `/domains/new?app=${app.id}` }, async ({ page, plane, web }) => {
  await page.getByLabel('Domain', { exact: true }).fill('secure.example.org')
  await page.getByLabel(/Browsers remember/).check()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByText(/refuse plain HTTP for this name for half a year/).waitFor()
  await apply(page, 'Add secure.example.org')
  await page.getByRole('link', { name: 'secure.example.org', exact: true }).click()
  const panel = page.getByRole('region', { name: 'Certificate' })
  await panel.getByText(/cannot be spoken to/).waitFor()
  await panel.getByText(/See that this node reaches it/).waitFor()
  await panel.getByText('certificate.unreachable').waitFor()
  assert.equal((await ask(web, 'secure.example.org')).status, 200, 'it is served by HTTP, and nothing is redirected')
  await panel.getByRole('button', { name: 'Ask again now' }).click()
  await page.getByRole('dialog').getByText(/The settings stay as they are/).waitFor()
  await apply(page, 'Ask for the certificate of secure.example.org')
  assert.equal((await domainOf(plane, 'secure.example.org')).certificate.why.code, 'certificate.unreachable')
})

journey('what somebody else changes is seen without asking', { at: '/domains' }, async ({ page, plane }) => {
  const { id, settings } = await domainOf(plane)
  await page.getByText('Served', { exact: true }).first().waitFor()
  await plane.call('PUT', `/proxies/${id}`, { settings: { ...settings, redirect: { to: 'elsewhere.example.org' } } })
  await page.getByText('Redirected', { exact: true }).waitFor({ timeout: 20_000 })
  await plane.call('PUT', `/proxies/${id}`, { settings })
  await page.getByText('Redirected', { exact: true }).waitFor({ state: 'detached', timeout: 20_000 })
  await page.getByRole('searchbox', { name: 'Find by name' }).fill('secure')
  await page.getByRole('link', { name: NAME, exact: true }).waitFor({ state: 'detached' })
  await page.getByRole('link', { name: 'secure.example.org', exact: true }).waitFor()
  await page.getByRole('searchbox', { name: 'Find by name' }).fill('none-is-called-so')
  await page.getByText('No domain matches').waitFor()
})

for (const size of ['wide', 'phone']) {
  journey(`its pages are accessible with domains in them: ${size}`, { at: null, size }, async ({ me, plane, app }) => {
    const [shop, secure] = [await domainOf(plane), await domainOf(plane, 'secure.example.org')]
    const page = await me.open('/domains')
    const found = []
    for (const [name, path] of [
      ['domains', '/domains'],
      ['domain', `/domains/${shop.id}`],
      ['domain-without-certificate', `/domains/${secure.id}`],
      ['domain-settings', `/domains/${shop.id}/settings`],
      ['app-domains', `/apps/${app.id}/domains`],
    ]) {
      await page.goto(path)
      await settled(page)
      found.push(...(await violations(page, name)))
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) found.push(`${name}: ${over} px wider than the screen`)
    }
    if (found.length > 0) assert.fail(`${found.length} findings\n    ${found.join('\n    ')}`)
  })
}

journey('it is removed by its name, and leads nowhere', { at: null }, async ({ me, plane, web }) => {
  const page = await me.open(`/domains/${(await domainOf(plane)).id}`)
  await page.getByRole('button', { name: 'Remove' }).click()
  const plan = page.getByRole('dialog', { name: `Remove ${NAME}` })
  await plan.getByText(`${NAME} leads nowhere then, and its certificate is deleted`).waitFor()
  assert.ok(await plan.getByRole('button', { name: `Remove ${NAME}` }).isDisabled(), 'not before the name is typed')
  await plan.getByLabel(`Type ${NAME} to confirm`).fill(NAME)
  await apply(page, `Remove ${NAME}`)
  await page.waitForURL('**/domains')
  await page.getByRole('link', { name: NAME, exact: true }).waitFor({ state: 'detached' })
  await until('nginx answers no more', () => ask(web, NAME).then(() => false, () => true))
  assert.equal(await domainOf(plane), undefined)
})
