// Pictures of every page, in both themes and widths, into web/screenshots; to be looked at.
//
//   node e2e/screenshots.mjs            all
//   node e2e/screenshots.mjs run app    those whose names begin so
import { mkdirSync } from 'node:fs'
import { closeBrowser, person, settled } from './browser.mjs'
import { fill } from './content.mjs'
import { openPages, pages } from './pages.mjs'
import { Plane } from './plane.mjs'

const target = new URL('../screenshots/', import.meta.url).pathname
mkdirSync(target, { recursive: true })
const wanted = process.argv.slice(2)
const isWanted = ({ name }) => wanted.length === 0 || wanted.some((part) => name.startsWith(part))

const plane = await Plane.start()
try {
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
