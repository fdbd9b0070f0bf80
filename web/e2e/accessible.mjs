// Every page in one size: accessible in both themes, quiet, and no wider than the screen.
import assert from 'node:assert/strict'
import { violations } from './axe.mjs'
import { settled } from './browser.mjs'
import { fill } from './content.mjs'
import { world } from './journey.mjs'
import { openPages, pages } from './pages.mjs'

/** All pages are looked at twice, once a theme; a busy machine takes its time. */
const ALL_MS = 240_000

export function accessible(size) {
  const { journey } = world({}, async (shared) => {
    shared.content = await fill(shared.plane)
  })
  journey(`every page is accessible: ${size}`, { at: null, size, timeout: ALL_MS }, async ({ me, content }) => {
    const found = []
    const page = await me.open('/')
    for (const { name, path, open } of pages(content)) {
      await page.goto(path)
      await settled(page)
      if (open) await open(page)
      found.push(...(await violations(page, name)))
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) found.push(`${name}: ${over} px wider than the screen`)
    }
    if (found.length > 0) assert.fail(`${found.length} findings\n    ${found.join('\n    ')}`)
  })
  journey(`sign-in is accessible: ${size}`, { at: null, size, signedIn: false }, async ({ me }) => {
    const found = []
    for (const { name, path } of openPages) {
      const page = await me.open(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      found.push(...(await violations(page, name)))
    }
    if (found.length > 0) assert.fail(`${found.length} findings\n    ${found.join('\n    ')}`)
  })
}
