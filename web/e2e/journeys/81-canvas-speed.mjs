// The canvas with three hundred steps: ready soon, and moved without a stutter.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { frames } from '../frames.mjs'
import { world } from '../journey.mjs'

const STEPS = 300
const READY_MS = 3_000
/** Of the frames while the drawing is moved, as a browser without a graphics card draws them. */
const MEDIAN_MS = 34
const P95_MS = 50
/** As many in the page as are in sight, and some. */
const MOST_DRAWN = 90
const DRAWN = '[data-step-node]'

/** Three ways beside each other that meet in every third row. */
const step = (at) => `  - { id: s${at}, title: Step ${at}, query: /health, needs: [${[at >= 3 && `s${at - 3}`, at >= 3 && at % 3 === 0 && `s${at - 1}`, at >= 3 && at % 3 === 0 && `s${at - 2}`].filter(Boolean).join(', ')}] }\n`
const DOCUMENT = `workflow: 1\nname: large\nsteps:\n${Array.from({ length: STEPS }, (_, at) => step(at)).join('')}`

const { journey } = world({}, async (shared) => {
  shared.large = await shared.plane.call('POST', '/workflows', { document: DOCUMENT })
})

/** The drawing dragged, and zoomed. */
async function moved(page, how) {
  const { x, y, width, height } = await page.getByRole('group', { name: 'Steps of the workflow, drawn' }).boundingBox()
  // Beside the steps, where nothing else takes hold of the mouse: through much of the drawing's height, there and back.
  const dragged = await frames(page, async () => {
    for (const up of [true, true, true, false, true, true]) {
      const [from, to] = up ? [y + height * 0.75, y + 20] : [y + 20, y + height * 0.75]
      await page.mouse.move(x + 24, from)
      await page.mouse.down()
      await page.mouse.move(x + 24, to, { steps: 40 })
      await page.mouse.up()
    }
  }, DRAWN)
  // Out until very many are in sight, and in again.
  await page.mouse.move(x + width / 2, y + height / 2)
  await page.keyboard.down('Control')
  const zoomed = await frames(page, async () => {
    for (const delta of [60, -60, 60, -60]) for (let turn = 0; turn < 30; turn++) await page.mouse.wheel(0, delta)
  }, DRAWN)
  await page.keyboard.up('Control')
  return { [`${how}, dragged`]: dragged, [`${how}, zoomed`]: zoomed }
}

journey('three hundred steps are there soon and move smoothly', { at: null }, async ({ me, large, t }) => {
  const ready = []
  let page
  for (let at = 0; at < 3; at++) {
    await page?.close()
    page = await me.open(`/workflows/${large.id}/document`)
    await page.locator('[data-ready=true] [data-step-node]').first().waitFor()
    ready.push(await page.evaluate(() => performance.now()))
  }
  await settled(page)
  const drawn = await page.locator(DRAWN).count()
  const found = { ...(await moved(page, 'read')) }
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.locator('[data-wide] [data-ready=true] [data-step-node]').first().waitFor()
  await settled(page)
  Object.assign(found, await moved(page, 'edited'))
  t.diagnostic(`ready after ${ready.map(Math.round).join(', ')} ms; ${drawn} steps in the page`)
  for (const [what, { count, median, p95, most }] of Object.entries(found)) t.diagnostic(`${what}: ${count} frames, median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, ${most} steps in the page at the most`)
  assert.ok(drawn < MOST_DRAWN, `${drawn} of ${STEPS} steps are in the page`)
  assert.ok(Math.min(...ready) < READY_MS, `ready after ${Math.min(...ready)} ms`)
  for (const [what, { median, p95, count }] of Object.entries(found)) {
    assert.ok(count > 30, `${what}: ${count} frames tell nothing`)
    assert.ok(median < MEDIAN_MS, `${what}: median frame of ${median} ms`)
    assert.ok(p95 < P95_MS, `${what}: p95 frame of ${p95} ms`)
  }
})
