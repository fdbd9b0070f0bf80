// People's ways through the dashboard: the real programs, a real agent, a real browser.
//
//   node e2e/run.mjs                 all journeys
//   node e2e/run.mjs shell faults    those of these files
//   SF_KEEP=1                        keeps the folders of the control planes
import { readdirSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { basename, join } from 'node:path'

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
// Node 20 has a client of WebSockets, not yet by itself.
process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, '--experimental-websocket'].filter(Boolean).join(' ')

/** A journey that hangs is ended. */
const FILE_MS = 330_000

/** Their time is what they measure; nothing runs beside them. */
const ALONE = /speed/
/** Most of a journey is waiting for a node; two wait as well as one. */
const AT_ONCE = 2
const REASON_LINES = 12
const REASON_CHARS = 2_000

/** What failed, by the first line of each reason: said once more at the very end, where one looks. */
const failures = new Map()

function perform(part, concurrency) {
  return new Promise((resolve) => {
    run({ files: part, concurrency, timeout: FILE_MS })
      .on('test:fail', ({ name, file, details }) => {
        const why = String(details.error?.cause?.stack ?? details.error?.cause ?? details.error).split('\n').slice(0, REASON_LINES).join('\n    ').slice(0, REASON_CHARS)
        const known = failures.get(why) ?? []
        failures.set(why, [...known, `${basename(file ?? '')}: ${name}`])
      })
      .compose(new spec())
      .on('end', resolve)
      .pipe(process.stdout, { end: false })
  })
}

for (const [part, concurrency] of [[files.filter((file) => !ALONE.test(file)), AT_ONCE], [files.filter((file) => ALONE.test(file)), 1]]) {
  if (part.length > 0) await perform(part, concurrency)
}
for (const [why, names] of failures) console.log(`\nfailed: ${names.join('\nfailed: ')}\n    ${why}`)
process.exitCode = failures.size === 0 ? 0 : 1
