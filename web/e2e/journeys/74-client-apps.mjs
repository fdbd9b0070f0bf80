// A client app of Pterodactyl, as a script: its key, the list, the token, the socket of a server that really runs. What it may not do, it
// cannot do.
import assert from 'node:assert/strict'
import { running } from '../content.mjs'
import { world } from '../journey.mjs'
import { until } from '../plane.mjs'

const { journey, shared } = world({ env: { SERVERFLOW_API__PTERODACTYL_CLIENTS: 'true' } }, async (shared) => {
  Object.assign(shared, await running(shared.plane, await shared.plane.node()))
  const { secret } = await shared.plane.call('POST', '/tokens', { name: 'phone', days: 1 })
  shared.key = secret
})

/** Asks as the app does. */
async function ask(plane, path, { key = shared.key, body } = {}) {
  const answer = await fetch(`${plane.url}/api/client${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: text ? JSON.parse(text) : null }
}

/** A socket that remembers what it heard. */
async function connect(address) {
  const socket = new WebSocket(address)
  const heard = []
  const closed = new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
  socket.addEventListener('message', ({ data }) => heard.push(JSON.parse(data)))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the socket was refused')))
  })
  const send = (event, ...args) => socket.send(JSON.stringify({ event, args: args.length > 0 ? args : [null] }))
  const hears = (event, test = () => true) => until(`heard ${event}; heard ${JSON.stringify(heard.slice(-8))}`, () => heard.find((frame) => frame.event === event && test(frame.args[0])))
  return { socket, heard, closed, send, hears, forget: () => heard.splice(0) }
}

journey('it lists, connects, watches, speaks, stops and starts', { at: null }, async ({ plane, server }) => {
  const list = await ask(plane, '')
  assert.equal(list.body.data[0].attributes.identifier, server.id)
  assert.equal((await ask(plane, '/account')).body.object, 'user')
  const one = await ask(plane, `/servers/${server.id}`)
  assert.ok(one.body.meta.user_permissions.includes('control.console'))
  const resources = await ask(plane, `/servers/${server.id}/resources`)
  assert.equal(resources.body.attributes.current_state, 'running')
  assert.ok(resources.body.attributes.resources.memory_bytes > 0, JSON.stringify(resources.body))
  const { token, socket } = (await ask(plane, `/servers/${server.id}/websocket`)).body.data
  const app = await connect(socket)
  app.send('auth', token)
  await app.hears('auth success')
  await app.hears('status', (state) => state === 'running')
  app.send('send logs')
  await app.hears('console output', (line) => line.includes('listening'))
  app.send('send stats')
  const stats = JSON.parse((await app.hears('stats', (text) => JSON.parse(text).memory_bytes > 0)).args[0])
  assert.equal(stats.state, 'running')
  app.send('send command', 'hello from afar')
  await app.hears('console output', (line) => line.includes('heard hello from afar'))
  app.forget()
  app.send('set state', 'stop')
  await app.hears('status', (state) => state === 'offline')
  // As Wings does: to nobody, and without a word.
  app.send('send command', 'anybody there')
  app.send('set state', 'start')
  await app.hears('status', (state) => state === 'running')
  assert.ok(!app.heard.some(({ event }) => event === 'daemon error'), JSON.stringify(app.heard))
  assert.equal((await ask(plane, `/servers/${server.id}/command`, { body: { command: 'by post' } })).status, 204)
  await app.hears('console output', (line) => line.includes('heard by post'))
  assert.equal((await ask(plane, `/servers/${server.id}/power`, { body: { signal: 'restart' } })).status, 204)
  await app.hears('status', (state) => state === 'stopping')
  app.socket.close()
})

journey('a key that is revoked ends its socket within seconds, and its token is good for nothing', { at: null }, async ({ plane, server }) => {
  const { secret: key, token: made } = await plane.call('POST', '/tokens', { name: 'lost phone', days: 1 })
  const { token, socket } = (await ask(plane, `/servers/${server.id}/websocket`, { key })).body.data
  const app = await connect(socket)
  app.send('auth', token)
  await app.hears('auth success')
  await plane.call('DELETE', `/tokens/${made.id}`)
  const began = Date.now()
  assert.equal(await app.closed, 4401)
  assert.ok(Date.now() - began < 5_500, `${Date.now() - began} ms`)
  const again = await connect(socket)
  again.send('auth', token)
  await again.hears('jwt error')
  again.socket.close()
})

journey('a deleted server says so', { at: null }, async ({ plane, server }) => {
  const { token, socket } = (await ask(plane, `/servers/${server.id}/websocket`)).body.data
  const app = await connect(socket)
  app.send('auth', token)
  await app.hears('auth success')
  await plane.call('DELETE', `/servers/${server.id}`)
  await app.hears('deleted', (why) => why === 'null')
  assert.equal(await app.closed, 1000)
})
