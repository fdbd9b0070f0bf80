// People's ways through the dashboard: the real programs, a real agent, a real browser.
//
//   node e2e/run.mjs                 all journeys
//   node e2e/run.mjs shell faults    those of these files
//   SF_KEEP=1                        keeps the folders of the control planes
import { readdirSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { join } from 'node:path'

const folder = new URL('journeys/', import.meta.url).pathname
const wanted = process.argv.slice(2)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort()
  .map((name) => join(folder, name))
if (files.length === 0) {
  console.error(`no journey is called ${wanted.join(' or ')}; there are: ${readdirSync(folder).join(', ')}`)
  process.exit(2)
}
/** A journey that hangs is ended. */
const FILE_MS = 240_000

let failed = false
// One at a time: a small machine measures the product, not its own queue.
run({ files, concurrency: 1, timeout: FILE_MS })
  .on('test:fail', ({ todo }) => (failed ||= todo === undefined || todo === false))
  .on('end', () => (process.exitCode = failed ? 1 : 0))
  .compose(new spec())
  .pipe(process.stdout)
