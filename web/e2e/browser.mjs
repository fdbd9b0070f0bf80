// Debian's Chromium, and pages that notice what must not happen: errors on the console, refused content, and requests
// to anywhere else.
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright-core'

export const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }
/** For one thing on a page to happen. */
export const PATIENCE_MS = 10_000

const program = [process.env.SF_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
let browser = null

export async function openBrowser() {
  if (!program) throw new Error('no Chromium here: run scripts/test-deps.sh, or name one in SF_CHROMIUM')
  browser ??= await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  return browser
}

export async function closeBrowser() {
  await browser?.close()
  browser = null
}

/** What a browser says by itself about an answer that a journey provoked on purpose; the page speaks of it otherwise. */
const PROVOKED = /^Failed to load resource: |WebSocket connection to .* failed/

/** A browser of its own for one person: cookies, storage, tabs. */
export async function person(plane, { theme = 'dark', size = 'wide', signedIn = true, quiet = [], ...more } = {}) {
  const context = await (await openBrowser()).newContext({
    baseURL: plane.url,
    viewport: SIZES[size],
    colorScheme: theme,
    reducedMotion: 'reduce',
    hasTouch: size === 'phone',
    ...more,
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const wrong = []
  context.on('page', (page) => {
    watchRequests(page)
    page.on('console', (message) => {
      if (message.type() !== 'error' && !(message.type() === 'warning' && message.text().includes('[Vue'))) return
      const text = message.text()
      if (PROVOKED.test(text) || quiet.some((pattern) => pattern.test(text))) return
      wrong.push(`console: ${text}`)
    })
    page.on('pageerror', (error) => wrong.push(`exception: ${error.stack ?? error.message}`))
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && url.origin !== plane.url) wrong.push(`a request elsewhere: ${url.origin}`)
    })
  })
  const open = async (path = '/') => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`refused by the content policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}:${event.lineNumber}`))
    })
    await page.goto(path)
    return page
  }
  const one = {
    context,
    open,
    /** Fails where anything happened that must not. */
    assertQuiet() {
      if (wrong.length > 0) throw new Error(`the pages were not quiet:\n  ${[...new Set(wrong)].join('\n  ')}`)
    },
    forget: () => (wrong.length = 0),
    close: () => context.close(),
  }
  if (signedIn) await admit(plane, context)
  return one
}

/** Puts the administrator's session into a browser, as a sign-in would. */
async function admit(plane, context) {
  const answer = await context.request.post('/api/v1/auth/login', {
    data: plane.admin,
    headers: { origin: plane.url, 'x-serverflow-client': 'dashboard' },
  })
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`)
}

/** Nothing asked for so long: the page has what it wants. */
const QUIET_MS = 120

/** Until the page hears events (one that stands alone, without the shell, does not), reads nothing more, and shows no placeholder. */
export async function settled(page, { alone = false } = {}) {
  if (!alone) await page.locator('[data-connection][data-state=live]').waitFor({ state: 'attached' })
  const open = inFlight.get(page)
  const end = Date.now() + PATIENCE_MS
  while (open.requests.size > 0 || Date.now() - open.since < QUIET_MS) {
    if (Date.now() > end) throw new Error(`the page never settles; still asked for: ${[...open.requests].map((request) => request.url()).join(', ')}`)
    await pause(30)
  }
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
}

/** What each page has asked for and not been answered. */
const inFlight = new WeakMap()
function watchRequests(page) {
  const open = { requests: new Set(), since: Date.now() }
  inFlight.set(page, open)
  page.on('request', (request) => open.requests.add(request))
  for (const end of ['requestfinished', 'requestfailed']) {
    page.on(end, (request) => {
      open.requests.delete(request)
      open.since = Date.now()
    })
  }
}
