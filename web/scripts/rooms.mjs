// The rules of the dashboard's house that a program can check. Each finding says what to do.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parse } from 'vue/compiler-sfc'

const root = new URL('../src/', import.meta.url).pathname

/** What each room may import besides itself. `ui` knows no domain; `api` no screen; a feature never another feature. */
const MAY_IMPORT = {
  ui: ['locales'],
  api: [],
  locales: ['ui'],
  app: ['api', 'ui', 'locales'],
  features: ['app', 'api', 'ui', 'locales'],
}
/** The files that know of all features, and the one that starts everything. */
const DOORS = { 'app/pages.ts': ['features'], 'app/panel/pages.ts': ['features'], 'app/router.ts': ['features', 'api', 'ui', 'locales'], 'main.ts': ['app', 'api', 'ui', 'locales'] }
/** Lines of a component; 200 is the aim, a few more are no reason to cut a whole in two. */
const MAX_COMPONENT_LINES = 220
/** Words that are the same in every language. */
const NAMES = new Set(['ServerFlow', 'pid'])
/** Elements that hold what is typed or printed, not what is said. */
const VERBATIM = new Set(['code', 'kbd', 'pre'])
/** Attributes that people read or hear. */
const SPOKEN = new Set(['aria-label', 'alt', 'title', 'placeholder', 'label'])
const ELEMENT = 1
const TEXT = 2
const ATTRIBUTE = 6
const DIRECTIVE = 7

const findings = []
const find = (file, line, what, fix) => findings.push(`${file}:${line}  ${what}\n    ${fix}`)

function checkImports(file, source) {
  const [room, feature] = file.split('/')
  const allowed = DOORS[file] ?? MAY_IMPORT[room] ?? []
  source.split('\n').forEach((text, at) => {
    const target = /(?:from\s+|import\s*\(\s*|^import\s+)['"](\.{1,2}\/[^'"]+|@\/[^'"]+)['"]/.exec(text)?.[1]
    if (!target) return
    const path = target.startsWith('@/') ? target.slice(2) : relative(root, join(root, file, '..', target))
    const [other, otherFeature] = path.split('/')
    if (other === room && room === 'features' && otherFeature !== feature) {
      find(file, at + 1, `imports another feature: ${path}`, 'What two features share lives in app/.')
    } else if (other !== room && !allowed.includes(other)) {
      const rooms = [...new Set([room, ...allowed])].join(', ')
      find(file, at + 1, `imports ${path}`, `Here only these rooms are known: ${rooms}.`)
    }
    if (path === 'api/schema' && room !== 'api') {
      find(file, at + 1, 'imports the generated types', "Take them as Schemas['…'] from @/api/client.")
    }
  })
}

const isText = (value) => /\p{Letter}{2}/u.test(value) && !NAMES.has(value.trim())

function checkNode(file, node) {
  const line = node.loc.start.line
  if (node.type === TEXT && isText(node.content)) {
    find(file, line, `text in the template: “${node.content.trim().slice(0, 40)}”`, 'Texts live in locales/en/.')
  }
  if (node.type !== ELEMENT) return
  for (const prop of node.props) {
    if (prop.type === DIRECTIVE && prop.name === 'html') {
      find(file, prop.loc.start.line, 'v-html', 'Strangers write names, messages and lines: show them as text.')
    }
    if (prop.type !== ATTRIBUTE) continue
    if (prop.name === 'style') find(file, prop.loc.start.line, 'an inline style attribute', 'The content policy refuses it: a class, or :style.')
    if (/^on[a-z]/.test(prop.name)) find(file, prop.loc.start.line, 'an inline handler', 'The content policy refuses it: @event.')
    if (SPOKEN.has(prop.name) && isText(prop.value?.content ?? '')) {
      find(file, prop.loc.start.line, `text in an attribute: ${prop.name}="${prop.value.content}"`, 'Texts live in locales/en/.')
    }
  }
  if (VERBATIM.has(node.tag)) return
  for (const child of node.children) checkNode(file, child)
}

function checkComponent(file, source) {
  const lines = source.trimEnd().split('\n').length
  if (lines > MAX_COMPONENT_LINES) find(file, 1, `${lines} lines`, `A component has up to ${MAX_COMPONENT_LINES}: split it, or move its logic into a composable.`)
  const { descriptor, errors } = parse(source, { filename: file })
  for (const error of errors) find(file, error.loc?.start.line ?? 1, error.message, 'Mend the component.')
  for (const child of descriptor.template?.ast?.children ?? []) checkNode(file, child)
}

for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(ts|vue)$/.test(entry.name)) continue
  const file = relative(root, join(entry.parentPath, entry.name))
  const source = readFileSync(join(root, file), 'utf8')
  checkImports(file, source)
  if (file.endsWith('.vue')) checkComponent(file, source)
  source.split('\n').forEach((text, at) => {
    if (/\.(innerHTML|outerHTML|insertAdjacentHTML)\b|document\.write\b/.test(text)) {
      find(file, at + 1, 'writes HTML', 'Make elements, or let the template do it.')
    }
  })
}

if (findings.length > 0) {
  console.error(`${findings.join('\n')}\n${findings.length} finding${findings.length > 1 ? 's' : ''} in web/src.`)
  process.exit(1)
}
console.log('rooms: clean')
