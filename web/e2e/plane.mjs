// A real control plane with a real agent, in a folder of their own on free ports. Whatever a plane starts, it ends.
import { execFile, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const clone = new URL('../../', import.meta.url).pathname
const built = join(process.env.CARGO_TARGET_DIR ?? join(clone, 'target'), 'debug')
const server = join(built, 'serverflow')
const agent = join(built, 'serverflow-agent')

/** Until everything is up: a first start deploys an example. */
const UP_MS = 90_000
const LOOK_MS = 100
/** Time a process gets to end before it is killed. */
const END_MS = 15_000

/** Waits until `look` answers something true; `what` is told where it never does. */
export async function until(what, look, within = 20_000) {
  const end = Date.now() + within
  let last
  for (;;) {
    try {
      const found = await look()
      if (found) return found
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`after ${within / 1000} s: not ${what}${last ? ` (${last.message})` : ''}`)
    await pause(LOOK_MS)
  }
}

const canListen = (port) =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })

/** Two free ports that follow each other: for people, and for agents. */
async function freePair() {
  for (let tries = 0; tries < 200; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000) * 2
    if ((await canListen(port)) && (await canListen(port + 1))) return port
  }
  throw new Error('no two free ports that follow each other')
}

/** Ends a process group of ours, by force where asking does not help. */
async function end(child, signal = 'SIGTERM') {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
  await gone
  clearTimeout(late)
}

const planes = new Set()
process.once('exit', () => planes.forEach((plane) => plane.server?.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.allSettled([...planes].map((plane) => plane.stop()))
    process.exit(130)
  })
}

export class Plane {
  /** `bare`: `serverflow server` with nobody and nothing in it; otherwise all of `serverflow up`. */
  static async start({ bare = false, env = {} } = {}) {
    const plane = new Plane()
    planes.add(plane)
    plane.bare = bare
    plane.extra = env
    plane.folder = mkdtempSync(join(tmpdir(), 'sf-e2e-'))
    // Apps run as users of their own; they have to walk through.
    chmodSync(plane.folder, 0o711)
    plane.state = join(plane.folder, 'state')
    mkdirSync(join(plane.folder, 'home'))
    mkdirSync(plane.state, { mode: 0o711 })
    mkdirSync(plane.agentState, { mode: 0o711 })
    plane.port = await freePair()
    plane.url = `http://127.0.0.1:${plane.port}`
    try {
      await plane.serve()
    } catch (error) {
      error.message += `; it said last: ${plane.log.slice(-1500)}`
      await plane.stop()
      throw error
    }
    return plane
  }

  get env() {
    const { PATH, LANG, USER } = process.env
    return { PATH, LANG, USER, HOME: join(this.folder, 'home'), NO_COLOR: '1', ...this.extra }
  }

  /** Where git repositories lie that its node may deploy. */
  get repositories() {
    return join(this.state, 'repositories')
  }

  get agentState() {
    return join(this.state, 'agent')
  }

  /** What the control plane printed. */
  get log() {
    return readFileSync(join(this.folder, 'server.log'), 'utf8')
  }

  /** Starts the control plane, again after `halt` too, and waits until it answers and what belongs to it is up. */
  async serve() {
    const output = openSync(join(this.folder, 'server.log'), 'a')
    const args = this.bare
      ? ['server', '--listen', `127.0.0.1:${this.port}`, '--agents-listen', `127.0.0.1:${this.port + 1}`, '--data', join(this.state, 'control')]
      : ['up', '--json', '--port', String(this.port), '--agent', agent, '--state', this.state]
    this.server = spawn(server, args, { cwd: clone, env: this.env, stdio: ['ignore', output, output] })
    const began = this.log.length
    await until('the control plane answers', async () => {
      if (this.server.exitCode !== null) throw new Error(`it ended: ${this.log.slice(-1500)}`)
      return (await fetch(`${this.url}/api/v1/health`)).ok
    }, UP_MS)
    if (this.bare) return
    const told = await until('everything is up', () => {
      if (this.server.exitCode !== null) throw new Error(`it ended: ${this.log.slice(-1500)}`)
      return this.log.slice(began).split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)).find((line) => line.agents)
    }, UP_MS)
    if (told.admin) this.admin = told.admin
  }

  /** Ends the control plane alone; agent and apps run on. */
  halt(signal = 'SIGTERM') {
    return end(this.server, signal)
  }

  /** Asks the API as the administrator. */
  async call(method, path, body) {
    this.token ??= await this.signIn()
    const ask = () =>
      fetch(`${this.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        body: body && JSON.stringify(body),
      })
    let answer = await ask()
    if (answer.status === 401) {
      this.token = await this.signIn()
      answer = await ask()
    }
    const told = await answer.json()
    if (!told.success) throw new Error(`${method} ${path}: ${answer.status} ${told.error?.code} ${told.error?.message}`)
    return told.data
  }

  async signIn() {
    const { email, password } = this.admin
    const answer = await fetch(`${this.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    const { data, error } = await answer.json()
    if (!data) throw new Error(`sign-in: ${answer.status} ${error?.message}`)
    return data.accessToken
  }

  /** Makes a git repository its node may deploy; each commit is `{ message, files }`, answered with its address. */
  async repository(name, commits) {
    const folder = join(this.repositories, name)
    mkdirSync(folder, { recursive: true })
    const git = (...args) => run('git', ['-C', folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args])
    if (!existsSync(join(folder, '.git'))) await git('init', '--quiet', '--initial-branch', 'main')
    for (const { message, files } of commits) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, path, '..'), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      await git('add', '--all')
      await git('commit', '--quiet', '--message', message)
    }
    return `file://${folder}`
  }

  async node() {
    return (await this.call('GET', '/nodes'))[0]
  }

  async app(name) {
    const listed = (await this.call('GET', `/apps?limit=200`)).find((app) => app.name === name)
    return listed && this.call('GET', `/apps/${listed.id}`)
  }

  /** Deploys and waits for the end; answers the run. */
  async deploy(app, what = {}) {
    const { run: opened } = await this.call('POST', `/apps/${app.id}/deploy`, what)
    return this.settled(opened.id)
  }

  settled(id) {
    return until(`the run ${id} is over`, async () => {
      const found = await this.call('GET', `/runs/${id}`)
      return found.closedAt ? found : null
    }, 60_000)
  }

  /** Lets its node serve domains: by an nginx of the agent's own, on free ports. Answers the one of plain HTTP. `more` are further lines. */
  async serveDomains(more = '') {
    const port = await freePair()
    appendFileSync(join(this.agentState, 'policy.toml'), `\n[proxy]\nnginx = "own"\nhttp = ${port}\nhttps = ${port + 1}\n${more}\n`)
    return port
  }

  /** The agent that `up` started. */
  agentPid() {
    return JSON.parse(readFileSync(join(this.state, 'up.json'), 'utf8')).agent.pid
  }

  /** Ends the agent as a power cut would; its apps run on. */
  async killAgent() {
    const pid = this.ownAgent?.pid ?? this.agentPid()
    process.kill(pid, 'SIGKILL')
    await until('the agent is gone', () => !existsSync(`/proc/${pid}/exe`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
  }

  /** Starts the agent again. */
  startAgent() {
    const output = openSync(join(this.folder, 'agent.log'), 'a')
    this.ownAgent = spawn(agent, ['run', '--state', this.agentState], { cwd: this.state, env: this.env, stdio: ['ignore', output, output] })
    this.helpers = [...(this.helpers ?? []), this.ownAgent]
  }

  /** Runs the agent's program once, as in `enrol`: answers what it has said so far, and when it is done. */
  agentCommand(args, state = this.agentState) {
    mkdirSync(state, { recursive: true, mode: 0o711 })
    mkdirSync(this.repositories, { recursive: true })
    writeFileSync(join(state, 'policy.toml'), `allow_file_below = [${JSON.stringify(this.repositories)}]\n`, { mode: 0o600 })
    const child = spawn(agent, [...args, '--state', state], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.helpers = [...(this.helpers ?? []), child]
    const said = { text: '', child, done: new Promise((resolve) => child.once('exit', resolve)) }
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said.text += bytes))
    return said
  }

  /** Ends everything of this plane and deletes its folder. */
  async stop() {
    if (!planes.delete(this)) return
    for (const helper of this.helpers ?? []) await end(helper)
    await end(this.server)
    // `down` ends the agent, the apps and what holds their ports, all found by this state folder alone.
    if (existsSync(join(this.state, 'up.json')) || !this.bare) {
      await run(server, ['down', '--state', this.state], { cwd: clone, env: this.env, timeout: 60_000 }).catch((error) => console.error(`# down: ${error.message}`))
    }
    await endNginx(join(this.agentState, 'proxy/own/nginx.pid'))
    await endBelow(this.folder)
    if (!process.env.SF_KEEP) rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** An nginx of the agent's own outlives it, as apps do. */
async function endNginx(file) {
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  try {
    process.kill(pid, 'SIGTERM')
    await until('nginx is gone', () => !existsSync(`/proc/${pid}/exe`), END_MS)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Ends programs whose own file or arguments lie in our folder: apps and their keepers, which outlive their agent. */
async function endBelow(folder) {
  const { stdout } = await run('ps', ['-eo', 'pid=,args='], { maxBuffer: 16 << 20 })
  const pids = stdout.split('\n').filter((line) => line.includes(`${folder}/`)).map((line) => Number.parseInt(line, 10))
  for (const pid of pids.filter((each) => each && each !== process.pid)) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch {
      // It was faster.
    }
  }
  if (pids.length > 0) await pause(500)
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}
