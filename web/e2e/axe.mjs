// WCAG 2.0 and 2.1, A and AA, as far as a program can see.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const ALL = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }
/** All that another theme may change. */
const COLOURS = { type: 'rule', values: ['color-contrast'] }

/** What is violated in both themes, in words; nothing where all is well. */
export async function violations(page, name) {
  const found = []
  for (const [theme, runOnly] of [['dark', ALL], ['light', COLOURS]]) {
    await page.emulateMedia({ colorScheme: theme })
    for (const violation of await look(page, runOnly)) found.push(`${name}, ${theme}: ${violation}`)
  }
  await page.emulateMedia({ colorScheme: 'dark' })
  return found
}

async function look(page, runOnly) {
  // Run by the debugger, so that the page's own content policy may stay as strict as it is.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source)
  const found = await page.evaluate(async (rules) => {
    // Colours on their way from one theme to the other are nobody's colours.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    await Promise.all(document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished.catch(() => {})))
    return globalThis.axe.run(document, { runOnly: rules, resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => ({
        id,
        help,
        where: nodes.slice(0, 4).map(({ target, failureSummary, html }) => `${target.join(' ')} | ${html.slice(0, 160)} | ${failureSummary.split('\n').slice(1, 2).join(' ').trim()}`),
        count: nodes.length,
      })),
    )
  }, runOnly)
  return found.map(({ id, help, where, count }) => `${id} (${count}): ${help}\n      ${where.join('\n      ')}`)
}
