// WCAG 2.0 and 2.1, A and AA, as far as a program can see.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What is violated, in words; nothing where all is well. */
export async function violations(page) {
  // Run by the debugger, so that the page's own content policy may stay as strict as it is.
  await page.evaluate(source)
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => ({
        id,
        help,
        where: nodes.slice(0, 4).map(({ target, failureSummary, html }) => `${target.join(' ')} | ${html.slice(0, 160)} | ${failureSummary.split('\n').slice(1, 2).join(' ').trim()}`),
        count: nodes.length,
      })),
    ),
  )
  return found.map(({ id, help, where, count }) => `${id} (${count}): ${help}\n      ${where.join('\n      ')}`)
}
