// Several people: inviting, giving, refusing, taking back; second factors; a command line; secrets.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { person, settled } from '../browser.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const { journey } = world()
const PASSWORD = 'a horse, a staple and 7 pears'
const STEP_MS = 30_000
/** Everything somebody lost is cut within so long. */
const CUT_MS = 5_000

/** The six digits an authenticator app shows at a moment. */
function totp(secret, at) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(at / STEP_MS)))
  const hash = createHmac('sha1', key).update(step).digest()
  const from = hash[19] & 15
  return String((hash.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Somebody who joined by an invitation, through the API. */
async function joined(plane, email, name, role, object = { kind: 'tenant' }) {
  const { link } = await plane.call('POST', '/invitations', { email, role, object })
  const answer = await fetch(`${plane.url}/api/v1/auth/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: plane.url },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), name, password: PASSWORD }),
  })
  const { data, error } = await answer.json()
  assert.ok(data, error?.message)
  return data.user
}

async function signIn(page, email) {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

journey('invites somebody, who joins by the link and sees what they were given', { at: '/team' }, async ({ plane, page }) => {
  await page.getByRole('button', { name: 'Invite somebody' }).first().click()
  const form = page.getByRole('dialog', { name: 'Invite somebody' })
  await form.getByLabel('E-mail').fill('grace@example.org')
  await form.getByLabel('Role').selectOption('viewer')
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Invite grace@example.org' })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: 'Invite grace@example.org' }).click()
  const link = new URL(await page.locator('[data-invitation-link]').textContent())
  await page.getByRole('table', { name: 'Invitations' }).getByText('grace@example.org').waitFor()

  const other = await person(plane, { signedIn: false })
  const theirs = await other.open(`${link.pathname}${link.hash}`)
  await theirs.getByText(/invited grace@example.org/).waitFor()
  assert.equal(new URL(theirs.url()).hash, '', 'the secret is not in the address any more')
  await theirs.getByLabel('Your name').fill('Grace Hopper')
  await theirs.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await theirs.getByRole('button', { name: 'Join' }).click()
  await theirs.waitForURL(`${plane.url}/`)
  // What they may not do says which permission is missing, and who could give it.
  await theirs.goto('/secrets')
  const refused = theirs.getByRole('alert')
  await refused.getByText(/secret:view/).first().waitFor()
  await refused.getByText(/Can be given by/).waitFor()
  other.forget()
  await other.close()

  await page.getByRole('link', { name: 'People' }).click()
  await page.getByRole('link', { name: /Grace Hopper/ }).waitFor()
})

journey('makes a role in the matrix by keyboard, gives it, and sees it in "view as"', { at: '/team/roles' }, async ({ plane, page }) => {
  const ada = await joined(plane, 'ada2@example.org', 'Ada Byron', 'viewer')
  const hello = await plane.app('hello-node')
  await page.getByRole('button', { name: 'New role' }).click()
  await page.keyboard.type('Release manager')
  const tick = page.getByRole('checkbox', { name: 'app:deploy in Release manager' })
  await tick.focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('ArrowDown')
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'checkbox')
  assert.notEqual(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'app:deploy in Release manager')
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Create the role Release manager' }).click()
  await page.getByRole('columnheader', { name: /Release manager/ }).waitFor()

  await page.goto(`/team/people/${ada.id}`)
  await page.getByRole('button', { name: 'Give a right' }).click()
  const form = page.getByRole('dialog', { name: /Give Ada Byron/ })
  await form.getByLabel('Where').selectOption('app')
  await form.getByLabel('Which app').selectOption(hello.id)
  await form.getByLabel('Role', { exact: true }).selectOption({ label: 'Release manager' })
  await form.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Give Ada Byron Release manager' }).click()
  await page.getByRole('list', { name: 'Rights given' }).getByText('Release manager').waitFor()

  await page.goto(`/team/people/${ada.id}/access?object=app:${hello.id}`)
  const row = page.locator('[data-permission="app:deploy"]')
  await row.waitFor()
  assert.equal(await row.getAttribute('data-allowed'), 'true')
  assert.match(await row.textContent(), /Release manager at App hello-node/)
  assert.equal(await page.locator('[data-permission="admin:roles"]').getAttribute('data-allowed'), 'false')
  await page.getByLabel('Where', { exact: true }).selectOption('tenant')
  await page.locator('[data-permission="app:deploy"][data-allowed=false]').waitFor()
})

journey('suspends somebody, whose open page is signed out at once', { at: null }, async ({ plane, me }) => {
  const mallory = await joined(plane, 'mallory@example.org', 'Mallory', 'viewer')
  const other = await person(plane, { signedIn: false })
  const theirs = await other.open('/login')
  await signIn(theirs, 'mallory@example.org')
  await settled(theirs)
  const page = await me.open(`/team/people/${mallory.id}`)
  await page.getByRole('button', { name: 'Suspend' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend Mallory' }).click()
  await page.getByText('Suspended', { exact: true }).waitFor()
  await theirs.waitForURL(({ pathname }) => pathname === '/login', { timeout: CUT_MS })
  await signIn(theirs, 'mallory@example.org')
  await theirs.getByRole('alert').waitFor()
  await other.close()
})

journey('sets up an authenticator app, and signs in in two steps', { at: null }, async ({ plane }) => {
  await joined(plane, 'linus@example.org', 'Linus', 'viewer')
  const other = await person(plane, { signedIn: false })
  const page = await other.open('/login?next=/settings/security')
  await signIn(page, 'linus@example.org')
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click()
  await page.getByLabel('Your password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  const uri = new URL(await page.getByText(/^otpauth:/).textContent())
  const secret = uri.searchParams.get('secret')
  const confirmedAt = Date.now()
  await page.getByLabel('Code it shows').fill(totp(secret, confirmedAt))
  await page.getByRole('button', { name: 'Turn it on' }).click()
  await page.locator('[data-recovery-codes] li').first().waitFor()
  const codes = await page.locator('[data-recovery-codes] li').allTextContents()
  assert.equal(codes.length, 10)
  await page.getByRole('button', { name: 'I have kept them' }).click()
  await page.getByText('10 recovery codes left.').waitFor()

  await page.context().clearCookies()
  await page.goto('/login')
  await signIn(page, 'linus@example.org')
  await page.getByRole('heading', { name: 'One more step' }).waitFor()
  // A code that was used is not taken again.
  await page.getByLabel('Code').fill(totp(secret, confirmedAt))
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('button', { name: 'Use a recovery code instead' }).click()
  await page.getByLabel('Recovery code').fill(codes[0])
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.waitForURL(`${plane.url}/`)
  await page.goto('/settings/security')
  await page.getByText('9 recovery codes left.').waitFor()
  await other.close()
})

journey('approves a command line that waits', { at: null }, async ({ plane, me }) => {
  const ask = (path, body) =>
    fetch(`${plane.url}/api/v1${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).then((answer) => answer.json())
  const { data: login } = await ask('/auth/device', { client: 'serverflow on a laptop' })
  const page = await me.open(`/device?userCode=${login.userCode}`)
  const card = page.locator('[data-device]')
  await card.getByText('serverflow on a laptop').waitFor()
  await card.getByText('127.0.0.1').waitFor()
  await card.getByRole('button', { name: 'Sign it in' }).click()
  await page.getByRole('heading', { name: 'It is signed in' }).waitFor()
  const answer = await until('the command line is signed in', async () => (await ask('/auth/device/token', { deviceCode: login.deviceCode })).data)
  assert.ok(answer.refreshToken)
})

journey('seals a secret and lets an app refer to it, without showing it again', { at: '/secrets' }, async ({ plane, page }) => {
  const value = 'postgres://canary-7f3a'
  await page.getByRole('button', { name: 'New secret' }).first().click()
  const form = page.getByRole('dialog', { name: 'New secret' })
  await form.getByLabel('Name').fill('database-url')
  await form.getByLabel('Value').fill(value)
  await form.getByRole('button', { name: 'Review' }).click()
  const plan = page.getByRole('dialog', { name: 'Create the secret database-url' })
  await plan.getByRole('listitem').first().waitFor()
  assert.doesNotMatch(await plan.textContent(), /canary/)
  await plan.getByRole('button', { name: 'Create the secret database-url' }).click()
  await page.getByRole('table', { name: 'Secrets' }).getByText('database-url').waitFor()

  const hello = await plane.app('hello-node')
  await page.goto(`/apps/${hello.id}/env`)
  await page.getByRole('button', { name: 'Add a variable' }).click()
  await page.getByLabel('Name', { exact: true }).last().fill('DATABASE_URL')
  await page.getByRole('button', { name: 'Use a secret for DATABASE_URL' }).click()
  await page.getByLabel('Secret of DATABASE_URL').selectOption('database-url')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: /Save/ }).click()
  await until('the app refers to the secret', async () => (await plane.app('hello-node')).settings.env.some(({ secret }) => secret === 'database-url'))
  await page.goto('/secrets')
  await page.getByRole('table', { name: 'Secrets' }).getByRole('link', { name: 'hello-node' }).waitFor()
  assert.doesNotMatch(await page.content(), /canary/)
})

journey('says that the audit chain holds, and saves it', { at: '/activity' }, async ({ page }) => {
  await page.locator('[data-chain][data-holds=true]').waitFor()
  await page.getByRole('button', { name: 'Check all of it now' }).click()
  await page.getByText('Every line was checked.').waitFor()
  await page.getByRole('button', { name: 'Export' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /jsonl/ }).click()])
  assert.equal(download.suggestedFilename(), 'serverflow-audit.jsonl')
})

journey('a link for a new password keeps its secret out of the address', { at: '/reset#sfp_canary', signedIn: false }, async ({ page }) => {
  await page.getByRole('heading', { name: 'Choose a new password' }).waitFor()
  assert.doesNotMatch(page.url(), /canary/)
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByRole('alert').waitFor()
})
