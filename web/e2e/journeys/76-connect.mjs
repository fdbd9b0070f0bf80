// An AI host, as a script: it finds out where to ask, registers, sends its person to our page, is let in by a click, gets its tokens, and
// is refused from the moment that it is revoked.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'

const NAME = 'Scripted host'

/** A host on this machine: it listens for its answer on a port that it got. */
class Host {
  static async start(plane) {
    const host = new Host()
    host.answers = []
    host.server = createServer((request, response) => {
      // A browser asks for an icon, too.
      if (request.url.startsWith('/callback')) {
        host.answers.push(new URL(request.url, 'http://127.0.0.1'))
        host.heard?.()
      }
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>Host</title><p>You can close this page.</p>')
    })
    host.server.unref()
    await new Promise((resolve) => host.server.listen(0, '127.0.0.1', resolve))
    host.redirect = `http://127.0.0.1:${host.server.address().port}/callback`
    const get = async (path) => (await fetch(`${plane.url}${path}`)).json()
    host.resource = await get('/.well-known/oauth-protected-resource/mcp/v1')
    host.metadata = await get('/.well-known/oauth-authorization-server')
    assert.deepEqual(host.resource.authorization_servers, [host.metadata.issuer])
    const body = JSON.stringify({ client_name: NAME, redirect_uris: ['http://127.0.0.1/callback'] })
    const made = await fetch(host.metadata.registration_endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    assert.equal(made.status, 201)
    host.id = (await made.json()).client_id
    return host
  }

  /** Where it sends its person. */
  begin(scope = 'read deploy files') {
    this.verifier = randomBytes(32).toString('base64url')
    this.state = randomBytes(8).toString('hex')
    const challenge = createHash('sha256').update(this.verifier).digest('base64url')
    const asked = { response_type: 'code', client_id: this.id, redirect_uri: this.redirect, code_challenge: challenge, code_challenge_method: 'S256', scope, state: this.state, resource: this.resource.resource }
    const { pathname, search } = new URL(`${this.metadata.authorization_endpoint}?${new URLSearchParams(asked)}`)
    return pathname + search
  }

  /** The answer to it. */
  async answered() {
    if (this.answers.length === 0) await new Promise((resolve) => (this.heard = resolve))
    const { searchParams } = this.answers.shift()
    assert.equal(searchParams.get('state'), this.state)
    assert.equal(searchParams.get('iss'), this.metadata.issuer)
    return searchParams
  }

  async token(asked) {
    const body = new URLSearchParams({ client_id: this.id, resource: this.resource.resource, ...asked })
    const answer = await fetch(this.metadata.token_endpoint, { method: 'POST', body })
    return { status: answer.status, ...(await answer.json()) }
  }

  redeem(code) {
    return this.token({ grant_type: 'authorization_code', code, redirect_uri: this.redirect, code_verifier: this.verifier })
  }

  refresh() {
    return this.token({ grant_type: 'refresh_token', refresh_token: this.tokens.refresh_token })
  }

  /** Its list of tools, as the protocol's revision without sessions asks for it. */
  async call() {
    const version = '2026-07-28'
    const params = { _meta: { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': {} } }
    const headers = { authorization: `Bearer ${this.tokens.access_token}`, accept: 'application/json, text/event-stream', 'content-type': 'application/json', 'mcp-protocol-version': version, 'mcp-method': 'tools/list' }
    return fetch(this.resource.resource, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }) })
  }
}

const { journey } = world({}, async (shared) => {
  shared.host = await Host.start(shared.plane)
})

journey('what to paste for each host names this installation', { at: '/connect' }, async ({ page, host }) => {
  await page.getByText(host.resource.resource, { exact: true }).first().waitFor()
  for (const name of ['Claude Code', 'Claude Desktop', 'Cursor', 'VS Code', 'Hosts without HTTP']) await page.getByRole('heading', { name }).waitFor()
  assert.ok((await page.locator('[data-host=claude-code] pre').textContent()).includes(`--transport http serverflow ${host.resource.resource}`))
  assert.deepEqual(await violations(page, 'connect'), [])
  await page.setViewportSize({ width: 390, height: 844 })
  assert.deepEqual(await violations(page, 'connect, phone'), [])
})

journey('who is not signed in signs in first, and comes back', { at: (shared) => shared.host.begin(), signedIn: false }, async ({ page }) => {
  await page.waitForURL(/\/login\?next=/)
  assert.ok(decodeURIComponent(new URL(page.url()).searchParams.get('next')).startsWith('/connect/authorize?response_type=code'))
})

journey('a person sees who asks, chooses, and says no', { at: (shared) => shared.host.begin('read deploy admin'), alone: true, size: 'phone' }, async ({ page, me, host }) => {
  await page.getByText(NAME, { exact: true }).waitFor()
  await page.getByText('Nobody vouches for it').waitFor()
  await page.getByText(host.redirect, { exact: true }).waitFor()
  assert.deepEqual(await violations(page, 'consent, phone'), [])
  assert.equal(await page.getByLabel('Everything').isChecked(), false, 'admin is never chosen already')
  assert.equal(host.answers.length, 0, 'nothing goes anywhere without a click')
  await page.getByRole('button', { name: 'Refuse' }).click()
  assert.equal((await host.answered()).get('error'), 'access_denied')
  // The browser went to the host, as it should.
  me.forget()
})

journey('a person lets it in, and it gets its tokens', { at: (shared) => shared.host.begin(), alone: true, theme: 'light' }, async ({ page, me, host }) => {
  await page.getByText(NAME, { exact: true }).waitFor()
  assert.deepEqual(await violations(page, 'consent, light'), [])
  await page.getByLabel('Files').uncheck()
  await page.getByRole('button', { name: 'Let it in' }).click()
  host.tokens = await host.redeem((await host.answered()).get('code'))
  assert.deepEqual([host.tokens.status, host.tokens.scope], [200, 'read deploy'])
  await page.getByText('You can close this page.').waitFor()
  const next = await host.refresh()
  assert.equal(next.status, 200)
  host.tokens = next
  me.forget()
})

journey('it calls our tools, and sees those that it was let in for', { at: null }, async ({ host }) => {
  const answer = await host.call()
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  const names = [...text.matchAll(/"name":"([a-z_]+)"/g)].map(([, name]) => name)
  for (const tool of ['overview', 'deploy', 'rollback']) assert.ok(names.includes(tool), `${tool} of ${names}`)
  for (const tool of ['files', 'console', 'proxy']) assert.ok(!names.includes(tool), tool)
})

journey('what asks for the wrong thing says so, and goes back by a click alone', { at: (shared) => shared.host.begin().replace('S256', 'plain'), alone: true }, async ({ page, me, host }) => {
  await page.getByText('A `code_challenge` with').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Let it in' }).count(), 0)
  assert.deepEqual(await violations(page, 'consent refused'), [])
  assert.equal(host.answers.length, 0)
  await page.getByRole('button', { name: 'Go back to it' }).click()
  assert.equal((await host.answered()).get('error'), 'invalid_request')
  me.forget()
})

journey('it stands among those let in, and is refused once it is revoked', { at: '/connect/hosts' }, async ({ page, host }) => {
  const row = page.getByRole('list', { name: 'AI hosts that are let in' }).getByRole('listitem').filter({ hasText: NAME })
  await row.getByText('Read · Deploy').waitFor()
  assert.deepEqual(await violations(page, 'let in'), [])
  await page.setViewportSize({ width: 390, height: 844 })
  assert.deepEqual(await violations(page, 'let in, phone'), [])
  await row.getByRole('button', { name: /^Revoke / }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Revoke / }).click()
  await page.getByText('Nobody is let in').waitFor()
  assert.equal((await host.refresh()).error, 'invalid_grant')
  const answer = await host.call()
  assert.equal(answer.status, 401)
  await settled(page)
  host.server.close()
})
