// Holds the build to its budgets: what a visitor loads, in brotli, as the program sends it.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const web = new URL('../', import.meta.url).pathname
/** Scripts of the first page: what index.html loads, the shell, and Home. */
const MAX_ENTRY_BYTES = 86 * 1024
/** Scripts and styles of any one page with all of its tabs, shell included. */
const MAX_ROUTE_BYTES = 250 * 1024
/** What the editor of files brings with every language it knows: it comes when a file is opened, and a language when a file is written in it. */
const MAX_EDITOR_BYTES = 230 * 1024
const EDITOR = 'src/features/servers/files/edit/TextEditor.vue'
const EDITED_ON = 'src/features/servers/ServerPage.vue'
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
const later = (name) => manifest[name].dynamicImports ?? []
const isPage = (name) => /Page\.vue$/.test(name)
/** Parts that a navigation passes on its way to a page: the shell, the list of pages, what else leads to some and is none. */
const isDoor = (name) => name !== SHELL && !isPage(name) && later(name).some(isPage)

/** Every page with the doors in front of it, however many there are. */
const pages = new Map()
function walk(name, doors) {
  for (const next of later(name)) {
    if (isPage(next)) {
      if (!pages.has(next)) {
        pages.set(next, doors)
        // Some pages are kept within another one.
        walk(next, [...doors, next])
      }
    } else if (isDoor(next) && !doors.includes(next)) walk(next, [...doors, next])
  }
}
walk(entry, [])
walk(SHELL, [])

/** All that may come while one is on a page, its tabs and dialogs too; never another page, nor the way to one. */
function whole(page, doors) {
  const own = new Set()
  for (const name of [entry, SHELL, ...doors]) closure(name, false, own)
  const others = new Set([entry, EDITOR, ...doors, ...[...pages.keys()].filter((name) => name !== page && !doors.includes(name))])
  for (const name of [...later(page), ...later(SHELL)]) if (isDoor(name)) others.add(name)
  for (const name of closure(page, true, others)) if (name !== EDITOR && (name === page || doors.includes(name) || !pages.has(name))) own.add(name)
  return own
}

const first = new Set([entry, SHELL, HOME].flatMap((name) => [...closure(name, false)]))
const verdicts = [['first page', total(files(first, /\.js$/)), MAX_ENTRY_BYTES]]
for (const [page, doors] of [...pages].sort(([one], [other]) => one.localeCompare(other))) {
  verdicts.push([page.replace(/^src\/(features|app)\//, '').replace(/Page\.vue$/, ''), total(files(whole(page, doors), /\.(js|css)$/)), MAX_ROUTE_BYTES])
}
const editor = new Set(closure(EDITOR, false))
for (const language of later(EDITOR)) closure(language, false, editor)
for (const name of whole(EDITED_ON, pages.get(EDITED_ON))) editor.delete(name)
verdicts.push(['the editor of files', total(files(editor, /\.(js|css)$/)), MAX_EDITOR_BYTES])
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
