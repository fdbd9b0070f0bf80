// The smallest AI host there can be: starts `serverflow mcp`, calls one tool and prints its answer. A script stands in for the model.
//   node examples/ai-hosts/host.mjs               the tools
//   node examples/ai-hosts/host.mjs TOOL '{…}'    one call; ends with 1 where it was refused
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const [tool, written = '{}'] = process.argv.slice(2)
const bridge = spawn('serverflow', ['mcp'], { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: bridge.stdout })[Symbol.asyncIterator]()
const say = (message) => bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
let last = 0

async function ask(method, params) {
  const id = ++last
  say({ id, method, params })
  for (;;) {
    const { value, done } = await lines.next()
    if (done) throw new Error('the bridge has ended')
    const message = JSON.parse(value)
    if (message.id !== id) continue
    if (message.error) throw new Error(message.error.message)
    return message.result
  }
}

await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'smallest-host', version: '1' } })
say({ method: 'notifications/initialized' })
if (tool) {
  const { structuredContent, content, isError } = await ask('tools/call', { name: tool, arguments: JSON.parse(written) })
  console.log(JSON.stringify(structuredContent ?? content, null, 2))
  process.exitCode = isError ? 1 : 0
} else {
  for (const { name, title } of (await ask('tools/list', {})).tools) console.log(`${name.padEnd(14)} ${title}`)
}
bridge.stdin.end()
