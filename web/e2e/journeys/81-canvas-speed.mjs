// The canvas with three hundred steps: ready soon, and moved without a stutter.
import assert from 'node:assert/strict'
import { settled } from '../browser.mjs'
import { world } from '../journey.mjs'

const STEPS = 300
const READY_MS = 3_000
/** Of the frames while the drawing is moved, as a browser without a graphics card draws them. */
const MEDIAN_MS = 34
const P95_MS = 60
/** As many in the page as are in sight, and some. */
const MOST_DRAWN = 90

/** Three ways beside each other that meet in every third row. */
const step = (at) => `  - { id: s${at}, title: Step ${at}, query: /health, needs: [${[at >= 3 && `s${at - 3}`, at >= 3 && at % 3 === 0 && `s${at - 1}`, at >= 3 && at % 3 === 0 && `s${at - 2}`].filter(Boolean).join(', ')}] }\n`
const DOCUMENT = `workflow: 1\nname: large\nsteps:\n${Array.from({ length: STEPS }, (_, at) => step(at)).join('')}`

const { journey } = world({}, async (shared) => {
  shared.large = await shared.plane.call('POST', '/workflows', { document: DOCUMENT })
})

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
  const drawn = await page.locator('[data-step-node]').count()
  const { x, y, width, height } = await page.getByRole('group', { name: 'Steps of the workflow, drawn' }).boundingBox()
  await page.evaluate(() => {
    globalThis.frames = []
    let last = performance.now()
    const look = (now) => {
      globalThis.frames.push(now - last)
      last = now
      globalThis.counting = requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  for (let way = 0; way < 6; way++) {
    await page.mouse.move(x + width * 0.9, y + height * 0.9)
    await page.mouse.down()
    await page.mouse.move(x + width * 0.9, y + 20, { steps: 40 })
    await page.mouse.up()
  }
  const frames = await page.evaluate(() => {
    cancelAnimationFrame(globalThis.counting)
    return globalThis.frames.slice(1).sort((one, other) => one - other)
  })
  const [median, p95] = [0.5, 0.95].map((share) => frames[Math.floor(frames.length * share)])
  t.diagnostic(`ready after ${ready.map(Math.round).join(', ')} ms; ${drawn} steps in the page; frames: ${frames.length}, median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`)
  assert.ok(drawn < MOST_DRAWN, `${drawn} of ${STEPS} steps are in the page`)
  assert.ok(Math.min(...ready) < READY_MS, `ready after ${Math.min(...ready)} ms`)
  assert.ok(median < MEDIAN_MS, `median frame of ${median} ms`)
  assert.ok(p95 < P95_MS, `p95 frame of ${p95} ms`)
})
