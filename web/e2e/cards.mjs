// Cards before people: changes are frozen, and a second person has to agree to what a first one proposes.
import assert from 'node:assert/strict'

export const PASSWORD = 'a horse, a staple and 7 pears'

/** Somebody who joined by an invitation, who can call the API too. */
export async function colleague(plane, name, role = 'admin') {
  const email = `${name.toLowerCase()}@example.org`
  const { link } = await plane.call('POST', '/invitations', { email, role, object: { kind: 'tenant' } })
  const ask = async (method, path, body, token) => {
    const answer = await fetch(`${plane.url}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', origin: plane.url, ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: body && JSON.stringify(body),
    })
    const { data, error } = await answer.json()
    assert.ok(data, `${path}: ${error?.code} ${error?.message}`)
    return data
  }
  await ask('POST', '/auth/accept', { token: new URL(link).hash.slice(1), name, password: PASSWORD })
  const { accessToken, user } = await ask('POST', '/auth/login', { email, password: PASSWORD })
  return { email, password: PASSWORD, user, post: (path, body = {}) => ask('POST', path, body, accessToken), del: (path) => ask('DELETE', path, undefined, accessToken) }
}

/** Holds all changes back from now on; `more` are other rules. */
export async function freeze(plane, more = {}) {
  const { version } = await plane.call('GET', '/routing-rules')
  return plane.call('PUT', '/routing-rules', { from: version, rules: { freezes: [{ name: 'release week', when: { kind: 'now' } }], ...more } })
}

/** Cards of somebody's restarts of an app. */
export async function restarts(who, app, count = 1) {
  const runs = []
  for (let at = 0; at < count; at++) runs.push((await who.post(`/apps/${app.id}/restart`)).run)
  return runs
}

/** The card of a run, as the administrator has it. */
export const cardOf = async (plane, run) => (await plane.call('GET', '/inbox?limit=200')).find((card) => card.runId === run.id)

/** Drags the card from its middle, in steps as a hand does; `finger`: by touch. */
export async function drag(page, { x = 0, y = 0, finger = false }) {
  const card = page.locator('[data-swipe]:not([data-ghost])')
  const { x: left, y: top, width, height } = await card.boundingBox()
  const from = { x: left + width / 2, y: top + height / 2 }
  const STEPS = 12
  const points = Array.from({ length: STEPS }, (_, at) => ({ x: from.x + (x * (at + 1)) / STEPS, y: from.y + (y * (at + 1)) / STEPS }))
  if (!finger) {
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    for (const point of points) await page.mouse.move(point.x, point.y)
    // Held still for a moment, so that it was not thrown.
    await page.waitForTimeout(150)
    await page.mouse.up()
    return
  }
  const session = await page.context().newCDPSession(page)
  const touch = (type, points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points })
  await touch('touchStart', [from])
  for (const point of points) await touch('touchMove', [point])
  await page.waitForTimeout(150)
  await touch('touchEnd', [])
  await session.detach()
}
