// One server shared by an address: with somebody of the team at once, with somebody new by an invitation that brings exactly what was
// chosen; a moderator sees what they were given and no more.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { panel } from '../content.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'
import { agree, fits, tabTo } from '../plan.mjs'

const PASSWORD = 'seven otters below a quiet bridge'
const { journey, shared } = world({}, async (shared) => {
  Object.assign(shared, await panel(shared.plane, await shared.plane.node()))
})
const at = () => `/servers/${shared.server.id}/users`
const people = (plane) => plane.call('GET', `/servers/${shared.server.id}/users`)
const dialogOf = (page) => page.getByRole('dialog', { name: 'Give access' })

async function join(plane, link, name) {
  const answer = await fetch(`${plane.url}/api/v1/auth/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: plane.url },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), name, password: PASSWORD }),
  })
  assert.ok(answer.ok, await answer.text())
}
async function signIn(page, me, email, path) {
  await me.context.clearCookies()
  me.forget()
  await page.goto(path)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

journey('somebody new is invited with single permissions at this server, by keyboard alone', { at }, async ({ page, plane }) => {
  await page.getByText('People of this server').waitFor()
  await tabTo(page, page.getByRole('button', { name: 'Give access' }), 'giving access')
  await page.keyboard.press('Enter')
  const dialog = dialogOf(page)
  await until('the address has the focus', () => dialog.getByLabel('E-mail address').evaluate((element) => element === document.activeElement))
  await page.keyboard.type('bea@example')
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').getByText('That is no e-mail address.', { exact: false }).waitFor()
  await dialog.getByLabel('E-mail address').fill('Bea@example.org')
  await dialog.getByText('Nobody of the team has this address: they are invited', { exact: false }).waitFor()
  await dialog.getByRole('button', { name: 'Moderate' }).click()
  assert.deepEqual(await violations(page, 'give access'), [])
  await dialog.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Invite bea@example.org to lobby' })
  await plan.getByText('with `server:view`, `console:view`, `console:command`', { exact: false }).waitFor()
  assert.deepEqual(await plane.call('GET', '/invitations'), [], 'the plan has done nothing')
  await agree(page, 'Invite bea@example.org to lobby')
  const link = await page.locator('[data-invitation-link]').innerText()
  const invited = page.getByRole('list', { name: 'Invited to this server' })
  await invited.getByText('bea@example.org').waitFor()
  assert.deepEqual(await invited.getByRole('list', { name: 'What bea@example.org may do' }).getByRole('listitem').allTextContents(), ['console:command', 'console:view', 'server:view'])
  assert.deepEqual(await violations(page, 'people of a server, invited'), [])
  shared.link = link
})

journey('who joins has exactly that, at this server and nowhere else', { at }, async ({ page, plane, me, server }) => {
  await join(plane, shared.link, 'Bea')
  const bea = (await people(plane)).find(({ email }) => email === 'bea@example.org')
  assert.deepEqual(bea.grants.flatMap(({ permissions }) => permissions).sort(), ['console:command', 'console:view', 'server:view'])
  await signIn(page, me, 'bea@example.org', '/servers')
  await page.getByRole('link', { name: 'lobby', exact: true }).click()
  const tabs = page.getByRole('navigation', { name: 'Parts of this server' })
  await tabs.getByRole('link', { name: 'Console' }).waitFor()
  assert.deepEqual(await tabs.getByRole('link').allTextContents(), ['Console', 'Activity'])
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Monitoring' }).count(), 0, 'no way to what one may not see')
  await page.goto(`/servers/${server.id}/users`)
  await page.getByText('You may see that this server is there, and nothing more of it.').waitFor()
  me.forget()
})

journey('somebody of the team is known by the address, and gets it at once', { at }, async ({ page, plane }) => {
  await page.getByRole('button', { name: 'Give access' }).click()
  const dialog = dialogOf(page)
  await dialog.getByLabel('E-mail address').fill(' BEA@example.org ')
  await dialog.getByText('Bea is in the team and gets it at once.').waitFor()
  await dialog.getByText('A role', { exact: true }).click()
  await dialog.getByLabel('Role', { exact: true }).selectOption('server-owner')
  await dialog.getByRole('button', { name: 'Review' }).click()
  await agree(page, 'Give Bea access to lobby')
  await page.getByRole('list', { name: 'What Bea may do' }).getByRole('listitem').filter({ hasText: /owner/i }).waitFor()
  assert.ok((await people(plane)).find(({ email }) => email === 'bea@example.org').grants.some(({ role }) => role === 'server-owner'))
})

journey('whoever owns the server shares it on, and sees nobody else of the team; on a phone', { at, size: 'phone' }, async ({ page, plane, me }) => {
  await signIn(page, me, 'bea@example.org', at())
  await page.getByText('People of this server').waitFor()
  await settled(page)
  await page.getByText('bea@example.org').first().waitFor()
  await fits(page)
  await page.getByRole('button', { name: 'Give access' }).click()
  const dialog = dialogOf(page)
  await dialog.getByLabel('E-mail address').fill('cleo@example.org')
  await dialog.getByText('Inviting somebody new needs the permission user:create.', { exact: false }).waitFor()
  await fits(page)
  await dialog.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('alert').getByText('user:create', { exact: false }).first().waitFor()
  await page.keyboard.press('Escape')
  assert.deepEqual(await violations(page, 'people of a server, as its owner'), [])
  // What one has, one can take back from oneself and others.
  await page.getByRole('button', { name: 'Take console:command from Bea' }).click()
  await agree(page, "Take Bea's access to lobby")
  await until('it is gone', async () => !(await people(plane)).find(({ name }) => name === 'Bea').grants.some(({ permissions }) => permissions.includes('console:command') && permissions.length === 1))
  me.forget()
})

journey('an invitation is withdrawn where it was made', { at }, async ({ page, plane }) => {
  await plane.call('POST', '/invitations', { email: 'dan@example.org', permissions: ['server:view'], object: { kind: 'server', id: shared.server.id } })
  await page.reload()
  await page.getByRole('button', { name: 'Withdraw: dan@example.org' }).click()
  await agree(page, 'Withdraw the invitation of dan@example.org to lobby')
  await page.getByRole('list', { name: 'Invited to this server' }).waitFor({ state: 'detached' })
  assert.deepEqual(await plane.call('GET', '/invitations'), [])
})
