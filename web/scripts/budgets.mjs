// Holds the build to its budgets: what a visitor loads, in brotli, as the program sends it.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const web = new URL('../', import.meta.url).pathname
/** Scripts of the first page: what index.html loads, the shell, and Home. */
const MAX_ENTRY_BYTES = 90 * 1024
/** Scripts and styles of any one page with all of its tabs, shell included. */
const MAX_ROUTE_BYTES = 250 * 1024
const SHELL = 'src/app/shell/AppShell.vue'
const HOME = 'src/features/home/HomePage.vue'

const manifest = JSON.parse(readFileSync(join(web, '.build/manifest.json'), 'utf8'))
const size = (file) => {
  const path = join(web, 'dist', file)
  return statSync(`${path}.br`, { throwIfNoEntry: false })?.size ?? gzipSync(readFileSync(path)).length
}

/** A chunk with everything it imports; `lazily`: with what it may import later, too. */
function closure(start, lazily, seen = new Set()) {
  const chunk = manifest[start]
  if (!chunk) throw new Error(`budgets: the build has no ${start}; if it was renamed, rename it in scripts/budgets.mjs too`)
  if (seen.has(start)) return seen
  seen.add(start)
  for (const next of [...(chunk.imports ?? []), ...(lazily ? (chunk.dynamicImports ?? []) : [])]) closure(next, lazily, seen)
  return seen
}

const files = (chunks, kinds) => {
  const found = new Set()
  for (const name of chunks) {
    const { file, css = [] } = manifest[name]
    for (const each of [file, ...css]) if (kinds.test(each)) found.add(each)
  }
  return [...found]
}
const total = (names) => names.reduce((sum, name) => sum + size(name), 0)
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`

const entry = Object.keys(manifest).find((name) => manifest[name].isEntry)
const routes = new Set(manifest[entry].dynamicImports)
// A part that several pages share may bring some of them later; nobody loads one for the other.
const isPage = (name) => /Page\.vue$/.test(name)
const within = (route) => (manifest[route].dynamicImports ?? []).filter(isPage)
const isShared = (name) => routes.has(name) || [...routes].some((route) => within(route).includes(name))

const first = new Set([entry, SHELL, HOME].flatMap((name) => [...closure(name, false)]))
const verdicts = [['first page', total(files(first, /\.js$/)), MAX_ENTRY_BYTES]]
for (const [route, shared] of [...routes].flatMap((route) => [[route], ...within(route).map((page) => [page, route])]).sort()) {
  const own = new Set()
  // The router's own list of pages hangs on the entry; following it would add up all pages.
  for (const name of [entry, SHELL, ...(shared ? [shared] : [])]) closure(name, false, own)
  // What other pages bring is not followed.
  const lazy = closure(route, true, new Set([entry, ...[...routes, ...(shared ? [] : within(route))].filter((name) => name !== route)]))
  for (const name of lazy) if (name === route || !isShared(name)) own.add(name)
  verdicts.push([route.replace(/^src\/(features|app)\//, '').replace(/Page\.vue$/, ''), total(files(own, /\.(js|css)$/)), MAX_ROUTE_BYTES])
}

let failed = false
for (const [name, bytes, limit] of verdicts) {
  const over = bytes > limit
  failed ||= over
  console.log(`${over ? 'OVER' : '  ok'}  ${name.padEnd(22)} ${kb(bytes).padStart(9)} of ${kb(limit)}`)
}
const named = readFileSync(join(web, 'dist/index.html'), 'utf8').includes(manifest[entry].file)
if (!named) {
  console.error('budgets: dist/index.html does not load the entry of the manifest: the build is of two minds, build again')
  failed = true
}
const brotli = readdirSync(join(web, 'dist/assets')).filter((name) => name.endsWith('.js') && !readdirSync(join(web, 'dist/assets')).includes(`${name}.br`))
if (brotli.some((name) => statSync(join(web, 'dist/assets', name)).size > 1024)) {
  console.error(`budgets: without a brotli copy: ${brotli.join(', ')}`)
  failed = true
}
process.exit(failed ? 1 : 0)
