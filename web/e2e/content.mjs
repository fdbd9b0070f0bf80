// What makes a control plane look lived in: a few apps, deploys that went well and one that did not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone } from './plane.mjs'

const example = (folder, file) => readFileSync(join(clone, 'examples', folder, file), 'utf8')

/** A workflow that reads once and changes nothing. */
export const LOOK = `workflow: 1
name: look-around
description: Asks whether all is well.
inputs:
  type: object
  properties:
    note: { type: string, description: Why it is run }
triggers:
  - id: night
    cron: { at: "0 3 * * *" }
steps:
  - id: look
    title: Look at the health
    query: /health
`

/** Runs a workflow and waits for the end; answers the run. */
export async function runOf(plane, workflow) {
  const { run } = await plane.call('POST', `/workflows/${workflow.id}/execute`, { input: { note: 'from a test' } })
  return plane.settled(run.id)
}

/** `hello-node` with a failed deploy and a second release; a static site; a worker in Python. */
export async function fill(plane) {
  const node = await plane.node()
  const hello = await plane.app('hello-node')
  const site = await plane.repository('docs', [{ message: 'The first page', files: { 'index.html': example('hello-static', 'index.html') } }])
  const docs = await plane.call('POST', '/apps', { name: 'docs', nodeId: node.id, settings: { repository: site } })
  await plane.call('PATCH', `/apps/${hello.id}`, { settings: { ...hello.settings, env: [{ name: 'GREETING', value: 'Hello' }, { name: 'API_TOKEN', value: 'not shown' }] } }).catch(() => {})
  const [first, refused] = await Promise.all([plane.deploy(docs), plane.deploy(hello, { reference: 'broken-health' })])
  const second = await plane.deploy(hello)
  await plane.call('POST', '/secrets', { name: 'database-url', value: 'postgres://not-shown', description: 'The main database' })
  await plane.call('POST', '/invitations', { email: 'kim@example.org', role: 'developer', object: { kind: 'app', id: hello.id } })
  const workflow = await plane.call('POST', '/workflows', { document: LOOK })
  const looked = await runOf(plane, workflow)
  const { user: me } = await plane.call('GET', '/auth/me')
  return { node, hello, docs, me, workflow, runs: { first, refused, second, looked } }
}
