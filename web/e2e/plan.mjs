// What every journey does with what is on screen: goes on by Tab, through a plan, to the end of what was ordered.
import assert from 'node:assert/strict'

/** Fields and links that one passes on the way to anything on a page. */
const TABS_MAX = 80
/** A node carries an order out, on a machine that does other things as well. */
const CARRIED_OUT_MS = 20_000

/** Goes on by Tab, as one without a mouse, until something has the focus. */
export async function tabTo(page, target, what) {
  for (let step = 0; step < TABS_MAX; step++) {
    if (await target.evaluate((element) => element === document.activeElement).catch(() => false)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`no Tab leads to ${what}`)
}

/** Through the plan that is on screen. */
export async function agree(page, name) {
  const plan = page.getByRole('dialog', { name })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name, exact: true }).click()
  await plan.waitFor({ state: 'detached' })
}

/** Through the plan, and to the end of its run on its node. */
export async function apply(page, name) {
  await agree(page, name)
  await carriedOut(page)
}

/** The timeline of what was ordered opens by itself; it is closed once its node has done it. */
export async function carriedOut(page) {
  const timeline = page.getByRole('dialog')
  await timeline.getByText('Succeeded', { exact: true }).waitFor({ timeout: CARRIED_OUT_MS })
  await page.keyboard.press('Escape')
  await timeline.waitFor({ state: 'detached' })
}

/** Nothing on the page reaches beyond the screen. */
export const fits = async (page) => assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, 'the page is wider than the screen')
