// examples/workflows/restart-on-alert.yaml: a signed request restarts the app it names; a machine that is not ready is
// tried again with growing pauses.
import assert from 'node:assert/strict'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { commitMore, keep, LONG_MS, makeApp, repository, said, seen, step } from '../examples.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

/** As https://www.standardwebhooks.com has it: base64 of the key behind its mark. */
const KEY = randomBytes(32)
const { journey } = world({}, async (shared) => {
  const { plane } = shared
  shared.source = await repository(plane, 'shop')
  shared.shop = await makeApp(plane, 'shop', shared.source)
  assert.equal((await plane.deploy(shared.shop)).done, 'succeeded')
  await plane.call('POST', '/secrets', { name: 'alert-webhook', value: `whsec_${KEY.toString('base64')}` })
  const { id } = await keep(plane, 'restart-on-alert')
  await plane.call('POST', `/workflows/${id}/triggers`, { enabled: true })
  shared.workflow = await plane.call('GET', `/workflows/${id}`)
})

/** Calls the webhook as a monitoring system does, signed with `key`. */
async function alert(plane, workflow, brings, { key = KEY, id = randomUUID() } = {}) {
  const body = JSON.stringify(brings)
  const at = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
  const answer = await fetch(plane.url + workflow.triggers[0].path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` },
    body,
  })
  return { status: answer.status, told: await answer.json() }
}
const runsOf = (plane, { id }) => plane.call('GET', `/workflow-executions?workflowId=${id}`)

journey('a signed alert restarts the app, once; a forged one does nothing', { at: ({ workflow }) => `/workflows/${workflow.id}`, timeout: 2 * LONG_MS }, async ({ page, plane, shop, workflow }) => {
  const before = await said(plane, shop)
  const forged = await alert(plane, workflow, { app: shop.id, reason: 'forged' }, { key: randomBytes(32) })
  assert.equal(forged.status, 404, 'it learns nothing')
  assert.deepEqual(await runsOf(plane, workflow), [])
  assert.equal((await said(plane, shop)).pid, before.pid)

  const id = randomUUID()
  const { status, told } = await alert(plane, workflow, { app: shop.id, reason: 'It answers slowly' }, { id })
  assert.equal(status, 202)
  const run = told.data.runId
  const over = await seen(plane, run, 'the app was restarted', ({ done }) => done)
  assert.equal(over.done, 'succeeded')
  assert.deepEqual(over.output, { app: 'shop', state: 'running', restarts: over.output.restarts })
  const after = await said(plane, shop)
  assert.notEqual(after.pid, before.pid, 'another process serves')
  assert.equal(after.release, before.release, 'of the same release')

  const again = await alert(plane, workflow, { app: shop.id, reason: 'It answers slowly' }, { id })
  assert.equal(again.told.data.runId, run, 'the same delivery is the same run')
  assert.equal((await runsOf(plane, workflow)).length, 1)
  assert.equal((await said(plane, shop)).pid, after.pid)

  // In the browser: how it ended stands in the list, and what came in on its page.
  const row = page.getByRole('row').filter({ hasText: run.slice(-8) })
  await row.getByText('Succeeded').waitFor()
  await row.getByText('by a trigger').waitFor()
  await row.getByRole('link').first().click()
  await page.getByText('It answers slowly').first().waitFor()
})

journey('an app that is not there yet is tried again, each time after a longer pause, until it is', { at: null, timeout: 3 * LONG_MS }, async ({ me, plane, source, workflow }) => {
  const late = await makeApp(plane, 'late', source)
  const { told } = await alert(plane, workflow, { app: late.id, reason: 'It does not answer' })
  const run = told.data.runId
  const page = await me.open(`/workflows/runs/${run}`)
  const restart = page.locator('[data-step=restart]')
  await restart.getByText('Will be tried again').waitFor()

  /** How long the try that comes next is waited for, seconds, seen when `failed` have failed. */
  const pause = async (failed) => {
    const found = (execution) => step(execution, 'restart')
    const { tries, wakesAt } = found(await seen(plane, run, `${failed} tries have failed`, (execution) => found(execution).tries.length === failed && found(execution).wakesAt))
    assert.equal(tries.at(-1).fault.code, 'app.never_deployed')
    return (Date.parse(wakesAt) - Date.now()) / 1000
  }
  const first = await pause(1)
  const second = await pause(2)
  assert.ok(first <= 6.5 && second > 8 && second <= 19.5, `5 s and then 15 s, each 30 % more or less: ${first} ${second}`)

  await commitMore(plane, 'shop', 'Deployed at last')
  const { run: deploy } = await plane.call('POST', `/apps/${late.id}/deploy`, {})
  const { pid } = await until('it serves', () => said(plane, late), LONG_MS)
  assert.equal((await plane.settled(deploy.id)).done, 'succeeded')
  const over = await seen(plane, run, 'a later try has restarted it', ({ done }) => done)
  assert.equal(over.done, 'succeeded')
  assert.ok(step(over, 'restart').attempts >= 3)
  assert.notEqual((await said(plane, late)).pid, pid)
  assert.equal(step(over, 'ask'), undefined, 'nobody had to be asked')
  await restart.getByText('Succeeded').first().waitFor()
  await restart.getByRole('button').first().click()
  await restart.getByText('Try 2:').waitFor()
})
