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
const FILE_MS = 330_000

/** Their time is what they measure; nothing runs beside them. */
const ALONE = /speed/
/** Most of a journey is waiting for a node; two wait as well as one. */
const AT_ONCE = 2

function perform(part, concurrency) {
  return new Promise((resolve) => {
    let failed = false
    run({ files: part, concurrency, timeout: FILE_MS })
      .on('test:fail', () => (failed = true))
      .on('end', () => resolve(!failed))
      .compose(new spec())
      .pipe(process.stdout, { end: false })
  })
}

let isWell = true
for (const [part, concurrency] of [[files.filter((file) => !ALONE.test(file)), AT_ONCE], [files.filter((file) => ALONE.test(file)), 1]]) {
  if (part.length > 0) isWell = (await perform(part, concurrency)) && isWell
}
process.exitCode = isWell ? 0 : 1
