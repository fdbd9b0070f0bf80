// Pictures of every page, in both themes and widths, into web/screenshots; to be looked at.
// With SF_BLESS=1 those of the guide (docs/guides/images) are made anew, too.
//
//   node e2e/screenshots.mjs            all
//   node e2e/screenshots.mjs run app    those whose names begin so
import { mkdirSync, statSync } from 'node:fs'
import { closeBrowser, person, settled } from './browser.mjs'
import { fill } from './content.mjs'
import { openPages, pages } from './pages.mjs'
import { Plane } from './plane.mjs'

const target = new URL('../screenshots/', import.meta.url).pathname
mkdirSync(target, { recursive: true })
const wanted = process.argv.slice(2)
const isWanted = ({ name }) => wanted.length === 0 || wanted.some((part) => name.startsWith(part))

/** What the guide shows: page, size, theme. */
const GUIDE = [
  ['home', 'wide', 'dark'],
  ['node-new', 'wide', 'dark'],
  ['plan', 'wide', 'dark'],
  ['app-overview', 'wide', 'light'],
  ['run', 'wide', 'dark'],
  ['run-failed', 'phone', 'dark'],
  ['workflow-build', 'wide', 'dark'],
  ['workflow-run-failed', 'wide', 'light'],
  ['palette', 'wide', 'dark'],
  ['inbox', 'wide', 'dark'],
  ['routing', 'wide', 'light'],
]
const GUIDE_HEIGHT = 680
/** Of a picture in the guide; a clone carries them for ever. */
const MAX_GUIDE_BYTES = 150 * 1024
const guide = new URL('../../docs/guides/images/', import.meta.url).pathname

async function forGuide(page, name, size, theme) {
  if (!process.env.SF_BLESS || !GUIDE.some(([wanted, ...how]) => wanted === name && how.join() === [size, theme].join())) return
  mkdirSync(guide, { recursive: true })
  const path = `${guide}${name}.png`
  // The upper part: what one reads first, and small enough to carry along.
  const { width, height } = page.viewportSize()
  await page.screenshot({ path, clip: { x: 0, y: 0, width, height: Math.min(height, GUIDE_HEIGHT) } })
  const { size: bytes } = statSync(path)
  if (bytes > MAX_GUIDE_BYTES) throw new Error(`${path} has ${bytes} bytes, more than ${MAX_GUIDE_BYTES}: show less in it`)
}

const plane = await Plane.start()
try {
  const node = await plane.node()
  await plane.call('PATCH', `/nodes/${node.id}`, { name: 'fra-1' })
  const content = await fill(plane)
  for (const size of ['wide', 'phone']) {
    for (const [list, signedIn] of [[pages(content), true], [openPages, false]]) {
      const me = await person(plane, { size, signedIn })
      const page = await me.open('/login')
      for (const { name, path, open } of list.filter(isWanted)) {
        await page.goto(path)
        if (signedIn) await settled(page)
        if (open) await open(page)
        for (const theme of ['dark', 'light']) {
          await page.emulateMedia({ colorScheme: theme })
          await page.screenshot({ path: `${target}${name}.${size}.${theme}.png`, fullPage: !open })
          await forGuide(page, name, size, theme)
        }
        await page.emulateMedia({ colorScheme: 'dark' })
      }
      me.assertQuiet()
      await me.close()
    }
  }
  console.log(`screenshots: ${target}`)
} finally {
  await closeBrowser()
  await plane.stop()
}
