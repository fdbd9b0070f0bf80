// The frame around every page: signing in and out, the keyboard, the palette, two tabs.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'

const { journey } = world()

journey('signs in, and comes to the page that was asked for', { at: '/nodes?q=x', signedIn: false }, async ({ page, plane }) => {
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByLabel('E-mail').fill(plane.admin.email)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(plane.admin.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/nodes?q=x')
  await settled(page)
  assert.equal(await page.evaluate(() => Object.keys(localStorage).concat(Object.keys(sessionStorage)).some((key) => /token|password/i.test(key))), false)
})

journey('an address that does not exist says so', { at: '/nowhere/at/all' }, async ({ page }) => {
  await page.getByText('There is no such page').waitFor()
  await page.getByRole('link', { name: 'Go home' }).click()
  await page.waitForURL('**/')
})

journey('is used by keyboard alone', {}, async ({ page }) => {
  await page.keyboard.press('Tab')
  await page.getByRole('link', { name: 'Skip to the content' }).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('href')), '#main')
  for (const [keys, path] of [['g n', '/nodes'], ['g a', '/apps'], ['g r', '/runs'], ['g y', '/activity'], ['g x', '/secrets'], ['g t', '/team'], ['g e', '/admin/health'], ['g s', '/settings'], ['g h', '/']]) {
    for (const key of keys.split(' ')) await page.keyboard.press(key)
    await page.waitForURL((url) => url.pathname === path || url.pathname.startsWith(`${path}/`))
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main', `focus is on the new page ${path}`)
  }
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await page.waitForURL('**/apps')
  await page.getByRole('link', { name: 'hello-node' }).waitFor()
  await page.keyboard.press('/')
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'search')
})

journey('the palette finds an app and plans before it does', {}, async ({ page }) => {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('restart hello')
  await page.getByRole('option', { name: /Restart hello-node/ }).waitFor()
  await page.keyboard.press('Enter')
  const plan = page.getByRole('dialog', { name: /Restart hello-node/ })
  await plan.getByText('Nothing has been done yet').waitFor()
  await plan.getByRole('listitem').first().waitFor()
  await page.keyboard.press('Escape')
  await plan.waitFor({ state: 'detached' })
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('hello-node')
  await page.getByRole('option', { name: /hello-node/ }).first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/apps/*')
})

journey('hints come on focus and on hover, and go with Escape', {}, async ({ page }) => {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Apps' }).hover()
  await page.getByRole('tooltip').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('tooltip').waitFor({ state: 'detached' })
})

journey('a change in one tab shows in the other, and signing out signs out both', {}, async ({ page, me, plane }) => {
  const other = await me.open('/nodes')
  await settled(other)
  const node = await plane.node()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: 'renamed-elsewhere' })
  await other.getByText('renamed-elsewhere').first().waitFor()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: node.name })
  await other.getByText(node.name).first().waitFor()
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL('**/login')
  await other.waitForURL('**/login**')
  await other.goBack().catch(() => {})
  await other.getByRole('heading', { name: 'Sign in' }).waitFor()
})
