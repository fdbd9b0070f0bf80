// What makes a control plane look lived in: a few apps, deploys that went well and one that did not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone, until } from './plane.mjs'

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

/** A workflow with steps within steps, a change that is tried again, and a question; `more` follows. */
export const checkUp = (more = '') => `workflow: 1
name: check-up
description: Looks at every app, restarts one, and asks whether it is well.
inputs:
  type: object
  properties:
    app: { type: string, description: Id of the app that is restarted. }
    reason: { type: string, description: Why. }
  required: [app]
steps:
  - id: apps
    title: Which apps there are
    query: /apps?limit=200
  - id: each
    title: Ask for each how it is
    map:
      over: steps.apps.output
      steps: [{ id: look, title: Ask its machine, query: "/apps/\${{ item.id }}/status" }]
      output: "\${{ item.name + ': ' + steps.look.output.state }}"
  - id: restart
    title: Restart the app
    action: app.restart
    with: { app: "\${{ inputs.app }}" }
    retry: { attempts: 2, delay: 1s }
  - id: agree
    title: Ask whether it is well
    approval:
      message: Is the app well after its restart?
      show: { apps: "\${{ steps.each.output }}", run: "\${{ steps.restart.output.run }}" }
${more}output: { apps: "\${{ steps.each.output }}" }
`
export const CLOSING = '  - { id: after, title: Look once more, query: /apps?limit=200 }\n'

/** Runs a workflow and waits for the end; answers the run. */
export async function runOf(plane, workflow, input = { note: 'from a test' }) {
  const { run } = await plane.call('POST', `/workflows/${workflow.id}/execute`, { input })
  return plane.settled(run.id)
}

/** A run of {@link checkUp} that failed, and a fork of it that waits for a person, while there is a newer version. */
export async function checkedUp(plane, app) {
  const workflow = await plane.call('POST', '/workflows', { document: checkUp() })
  const input = { app: '0190a7f2-0000-7000-8000-00000000abcd', reason: 'It answered slowly' }
  const failed = await runOf(plane, workflow, input)
  const { run: asked } = await plane.call('POST', `/workflow-executions/${failed.id}/fork`, { step: 'restart', input: { ...input, app: app.id } })
  await until('a person is asked', async () => (await plane.call('GET', `/workflow-executions/${asked.id}`)).steps.some(({ state }) => state === 'asked'), 30_000)
  await plane.call('PUT', `/workflows/${workflow.id}`, { document: checkUp(CLOSING), from: 1 })
  return { workflow, failed, asked }
}

/** A template of a process that says hello and ends by a signal; `more` changes what it says. */
export const TEMPLATE = (more = {}) => ({
  alt: 1,
  name: 'Chat',
  slug: 'chat',
  description: 'A small chat server.',
  runtime: 'process',
  startups: [{ label: 'Default', run: { kind: 'argv', argv: ['/usr/bin/cat', '-u'] } }, { label: 'Loud', run: { kind: 'argv', argv: ['/usr/bin/cat', '-n'] } }],
  variables: [
    { name: 'Message of the day', env: 'MOTD', description: 'Shown to whoever joins.', default: 'Hello', viewable: true, editable: true, rules: ['required', 'string', 'max:20'] },
    { name: 'Max users', env: 'MAX_USERS', default: '100', rules: ['required', 'integer', 'between:1,5000'] },
    { name: 'Level', env: 'LEVEL', default: 'easy', rules: ['required', 'in:easy,hard'] },
  ],
  install: { entrypoint: '/bin/sh', script: 'echo installed' },
  ready: { lines: [], within: 60_000 },
  stop: { kind: 'signal', signal: 'SIGTERM', grace: 10_000 },
  ...more,
})

/** A category with a template, ports on the node, and a server that has them. */
export async function panel(plane, node) {
  const ctrl = await plane.call('POST', '/ctrls', { name: 'Chats', description: 'Where people talk' })
  const { alt: template } = await plane.call('POST', '/alts', { ctrlId: ctrl.id, document: TEMPLATE() })
  await plane.call('POST', `/nodes/${node.id}/allocations`, { ports: '30100-30105', alias: 'chat.example.org' })
  const limits = { memory: 268_435_456, disk: 536_870_912 }
  const server = await plane.call('POST', '/servers', { name: 'lobby', altId: template.id, nodeId: node.id, ports: 2, settings: { description: 'For friends', limits } })
  return { ctrl, template, server }
}

/** What the install script of a server with files writes: plain ones, a large one, a binary one, and names that would do harm. */
const FILES = `
printf 'motd=Hello\\r\\nport=1\\r\\n' > server.properties
printf '# Notes\\n' > notes.md
printf 'world:\\n  seed: 42\\n' > config.yml
printf '{ "players": [] }\\n' > players.json
printf 'not shown' > secret.key
head -c 3000 /dev/zero > icon.bin
i=0; while [ $i -lt 2000 ]; do echo "line $i of a log that is long"; i=$((i+1)); done > big.log
mkdir -p logs deep/inner
printf 'one\\ntwo\\na needle here\\n' > deep/found.txt
printf 'x' > "logs/$(printf 'two\\nlines.log')"
printf 'x' > "logs/$(printf 'gnp.\\342\\200\\256exe')"
printf 'x' > "logs/$(printf '\\033[2J.log')"
printf 'x' > 'logs/<img src=x onerror=pwned>.log'
ln -s /etc/passwd logs/link
mkfifo logs/pipe
`

/** A server with files, installed and running on the node. */
export async function filesServer(plane, node) {
  const ctrl = await plane.call('POST', '/ctrls', { name: 'Worlds' })
  const { alt } = await plane.call('POST', '/alts', { ctrlId: ctrl.id, document: TEMPLATE({ name: 'World', slug: 'world', denied: ['*.key'], install: { entrypoint: '/bin/sh', script: FILES } }) })
  const made = await plane.call('POST', '/servers', { name: 'world', altId: alt.id, nodeId: node.id, ports: 0, settings: { limits: { disk: 268_435_456 } } })
  await until('it is installed', async () => (await plane.call('GET', `/servers/${made.id}`)).install === 'installed', 60_000)
  const { run } = await plane.call('POST', `/servers/${made.id}/power`, { verb: 'start' })
  const started = await plane.settled(run.id)
  if (started.done !== 'succeeded') throw new Error(`the server does not start: ${started.fault?.message}`)
  return { template: alt, server: await plane.call('GET', `/servers/${made.id}`) }
}

/** Says that it listens, and what it heard, until it is told to stop. */
const ECHO = `echo listening\nwhile read -r line; do case "$line" in stop) echo saving; exit 0 ;; *) echo "heard $line" ;; esac; done\n`

/** A server that really runs: a small program that its install script writes. */
export async function running(plane, node) {
  const ctrl = await plane.call('POST', '/ctrls', { name: 'Echoes', description: '' })
  const document = TEMPLATE({
    name: 'Echo',
    slug: 'echo',
    startups: [{ label: 'Default', run: { kind: 'argv', argv: ['/bin/sh', 'server.sh'] } }],
    install: { entrypoint: '/bin/sh', script: `cat > server.sh <<'END'\n${ECHO}END\n` },
    ready: { lines: [{ kind: 'text', text: 'listening' }], within: 60_000 },
    stop: { kind: 'command', line: 'stop', grace: 10_000 },
  })
  const { alt } = await plane.call('POST', '/alts', { ctrlId: ctrl.id, document })
  await plane.call('POST', `/nodes/${node.id}/allocations`, { ports: '30200-30201' })
  const server = await plane.call('POST', '/servers', { name: 'echo', altId: alt.id, nodeId: node.id, ports: 1, settings: {} })
  const [{ id }] = await plane.call('GET', `/runs?serverId=${server.id}&limit=1`)
  const installed = await plane.settled(id)
  if (installed.done !== 'succeeded') throw new Error(`it was not installed: ${JSON.stringify(installed.outcome)}`)
  const { run } = await plane.call('POST', `/servers/${server.id}/power`, { verb: 'start' })
  const started = await plane.settled(run.id)
  if (started.done !== 'succeeded') throw new Error(`it was not started: ${JSON.stringify(started.outcome)}`)
  return { server, alt }
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
  const checked = await checkedUp(plane, hello)
  const { server, template } = await panel(plane, node)
  const { server: filed } = await filesServer(plane, node)
  const { user: me } = await plane.call('GET', '/auth/me')
  return { node, hello, server, filed, template, docs, me, workflow, checked, runs: { first, refused, second, looked } }
}
