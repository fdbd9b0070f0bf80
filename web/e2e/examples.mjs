// The worked examples of workflows, on real nodes: the apps they deploy and restart are real, too.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone, until } from './plane.mjs'

const read = (path) => readFileSync(join(clone, 'examples', path), 'utf8')
/** How long a deploy, or a whole example, may take. */
export const LONG_MS = 60_000

/** Keeps an example of `examples/workflows` as it stands there; answers the workflow. */
export const keep = (plane, name) => plane.call('POST', '/workflows', { document: read(`workflows/${name}.yaml`) })

/** A repository with a web app that says which commit it is and in which process it runs. */
export const repository = (plane, name) =>
  plane.repository(name, [
    { message: 'The first page', files: { 'server.js': read('hello-node/server.js'), 'package.json': read('hello-node/package.json'), 'serverflow.app.toml': read('hello-node/serverflow.app.toml') } },
  ])

/** Adds a commit to such a repository: the newest is then another one than what was deployed. */
export const commitMore = (plane, name, message) => plane.repository(name, [{ message, files: { 'NOTES.md': `${message}\n` } }])

export async function makeApp(plane, name, source) {
  const { id: nodeId } = await plane.node()
  return plane.call('POST', '/apps', { name, nodeId, settings: { repository: source } })
}

/** What the process of an app says of itself: `{ commit, pid, release }`. */
export async function said(plane, { id }) {
  const { url } = await plane.call('GET', `/apps/${id}`)
  const answer = await fetch(`${url}/healthz`)
  return answer.json()
}

/** Waits until a run of a workflow is as wanted; answers it. */
export const seen = (plane, run, what, wanted) =>
  until(what, async () => {
    const execution = await plane.call('GET', `/workflow-executions/${run}`)
    return wanted(execution) && execution
  }, LONG_MS)

export const step = ({ steps }, key) => steps.find((one) => one.key === key)
