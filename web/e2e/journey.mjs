// What every file of journeys begins with: a control plane for all of its journeys, a browser, and their end.
import { after, before, test } from 'node:test'
import { closeBrowser, person, settled } from './browser.mjs'
import { Plane } from './plane.mjs'

/** One journey at the most. */
const JOURNEY_MS = 90_000

/**
 * Journeys on one control plane. `const { journey } = world()`; then
 * `journey('deploys', async ({ plane, page, me }) => { … })`.
 */
export function world(options = {}, prepare = async () => {}) {
  const shared = {}
  before(async () => {
    shared.plane = await Plane.start(options)
    await prepare(shared)
  }, { timeout: 150_000 })
  after(async () => {
    await closeBrowser()
    await shared.plane?.stop()
  }, { timeout: 90_000 })

  /** `at`: the page it begins on; null opens none. `alone`: it has no shell. The rest is for the browser: theme, size, signedIn. */
  const journey = (name, { at = '/', timeout = JOURNEY_MS, alone = false, ...browser } = {}, body) =>
    test(name, { timeout }, async (t) => {
      const me = await person(shared.plane, browser)
      try {
        const page = at === null ? null : await me.open(typeof at === 'function' ? at(shared) : at)
        if (page && browser.signedIn !== false) await settled(page, { alone })
        await body({ ...shared, me, page, t })
        me.assertQuiet()
      } catch (error) {
        const open = me.context.pages()[0]
        if (open) {
          const file = new URL(`../.build/failed-${name.replace(/\W+/g, '-')}.png`, import.meta.url).pathname
          await open.screenshot({ path: file }).catch(() => {})
          t.diagnostic(`was at ${open.url()}; seen in .build/${file.split('/').at(-1)}`)
          try {
            me.assertQuiet()
          } catch (noise) {
            t.diagnostic(noise.message)
          }
        }
        throw error
      } finally {
        await me.close()
      }
    })
  return { journey, shared }
}
