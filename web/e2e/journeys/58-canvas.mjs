// The canvas: workflows built by mouse and by keyboard, always of one mind with their text; runs seen live; versions compared.
import assert from 'node:assert/strict'
import { violations } from '../axe.mjs'
import { settled } from '../browser.mjs'
import { until } from '../plane.mjs'
import { world } from '../journey.mjs'

const FIRST = `# Kept as it was written.
workflow: 1
name: first   # its name
steps:
  - id: look      # reads
    query: /health
`
const NESTED = `workflow: 1
name: nested
steps:
  - id: apps
    query: /apps?limit=200
  - id: each
    map: { over: steps.apps.output, steps: [{ id: look, query: "/apps/\${{ item.id }}" }] }
  - id: choose
    branch:
      - if: size(steps.apps.output) > 1000
        steps: [{ id: many, query: /health }]
      - steps: [{ id: few, wait: { for: 1s } }]
  - id: go
    wait: { event: go }
`
const { journey } = world({}, async (shared) => {
  const { plane } = shared
  shared.nested = await plane.call('POST', '/workflows', { document: NESTED })
  shared.app = await plane.app('hello-node')
})

const text = (page) => page.getByLabel('Document of the workflow, YAML or JSON')
const pane = (page, name) => page.getByRole('group', { name: 'What is shown' }).getByText(name, { exact: true }).click()
const node = (page, key) => page.locator(`[data-step-node="${key}"]`)
/** What the text says, whatever is shown of it. */
async function document(page) {
  await pane(page, 'Text')
  return text(page).inputValue()
}
async function begin(page, document) {
  await text(page).fill(document)
  await node(page, 'look').waitFor()
}
/** Saves what was built, runs it, and shows its graph. */
async function saveAndRun(page, name) {
  await page.getByRole('button', { name: 'Review and create' }).click()
  const plan = page.getByRole('dialog', { name: `Create the workflow ${name}` })
  await plan.getByRole('listitem').first().waitFor()
  await plan.getByRole('button', { name: `Create the workflow ${name}` }).click()
  await page.waitForURL(/\/workflows\/[0-9a-f-]{36}$/)
  await page.getByRole('button', { name: 'Run', exact: true }).first().click()
  await page.getByRole('dialog', { name: `Run ${name}` }).getByRole('button', { name: 'Review' }).click()
  const run = page.getByRole('dialog', { name: `Run ${name}` })
  await run.getByRole('listitem').first().waitFor()
  await run.getByRole('button', { name: `Run ${name}` }).click()
  await page.waitForURL(/\/workflows\/runs\//)
  await page.getByRole('group', { name: 'How the run is shown' }).getByText('Graph').click()
}

journey('a workflow is built by mouse: dragged, linked, filled in, taken back, saved and run', { at: '/workflows/new' }, async ({ page }) => {
  await begin(page, FIRST)
  // A wait onto the step, behind which it goes.
  await pane(page, 'Add')
  await page.locator('[data-tool=wait]').dragTo(node(page, 'look'))
  await node(page, 'pause').waitFor()
  const form = page.locator('[data-step-form]')
  await form.getByLabel('For').fill('1s')
  await form.getByLabel('For').press('Enter')
  await form.getByLabel('Title').fill('A moment')
  await form.getByLabel('Title').press('Tab')
  // A change onto the link between the two.
  await pane(page, 'Add')
  const [above, below] = [await node(page, 'look').boundingBox(), await node(page, 'pause').boundingBox()]
  const canvas = page.getByRole('group', { name: 'Steps of the workflow, drawn' })
  const around = await canvas.boundingBox()
  await page.locator('[data-tool="action:project.create"]').dragTo(canvas, { targetPosition: { x: above.x + above.width / 2 - around.x, y: (above.y + above.height + below.y) / 2 - around.y } })
  await node(page, 'create').waitFor()
  await form.getByLabel('Name').fill('made-by-hand')
  await form.getByLabel('Name').press('Enter')
  assert.equal(
    await document(page),
    '# Kept as it was written.\nworkflow: 1\nname: first   # its name\nsteps:\n  - id: look      # reads\n    query: /health\n  - id: create\n    action: project.create\n    with: { name: made-by-hand }\n  - id: pause\n    title: A moment\n    wait: { for: 1s }\n',
  )

  // A link from the first to the last, from handle to handle; another one away.
  const handle = (key, kind) => page.locator(`.vue-flow__node[data-id=${key}] .vue-flow__handle.${kind}`)
  await handle('look', 'source').hover()
  await page.mouse.down()
  await handle('pause', 'target').hover()
  await page.mouse.move(...Object.values(await handle('pause', 'target').boundingBox()).slice(0, 2).map((at) => at + 6), { steps: 4 })
  await page.mouse.up()
  await until('the link is written', async () => /needs: \[ create, look \]/.test(await text(page).inputValue()))
  await page.locator('.vue-flow__edge[data-id="create>pause"]').click({ force: true })
  await page.getByRole('button', { name: 'Delete link' }).click()
  await until('the other link is gone', async () => /needs: \[ look \]/.test(await text(page).inputValue()))
  await page.keyboard.press('Control+z')
  await until('it is back', async () => /needs: \[ create, look \]/.test(await text(page).inputValue()))
  await page.keyboard.press('Control+y')
  await until('it is gone again', async () => /needs: \[ look \]/.test(await text(page).inputValue()))

  await saveAndRun(page, 'first')
  await page.locator('[data-step-node=pause][data-mark=Waiting], [data-step-node=pause][data-mark=Succeeded]').waitFor()
  for (const key of ['look', 'create', 'pause']) await page.locator(`[data-step-node=${key}][data-mark=Succeeded]`).waitFor({ timeout: 30_000 })
  await node(page, 'create').click()
  await page.getByText('made-by-hand').first().waitFor()
})

journey('a workflow is built by keyboard alone, from the list of its steps', { at: '/workflows/new' }, async ({ page }) => {
  await begin(page, FIRST.replace('name: first', 'name: second'))
  const press = async (what, key = 'Enter') => {
    await what.focus()
    await page.keyboard.press(key)
  }
  const go = async (name) => {
    const radio = page.getByRole('radio', { name, exact: true })
    await radio.focus()
    await page.keyboard.press('Space')
  }
  await go('Steps')
  assert.deepEqual(await violations(page, 'list of steps'), [])
  await press(page.getByRole('button', { name: 'Add after look' }))
  await page.locator('[data-tool]').first().waitFor()
  assert.deepEqual(await violations(page, 'palette'), [])
  await page.keyboard.type('decision')
  await press(page.locator('[data-tool=approval]'))
  // The form is where one types on.
  await until('the form has the focus', () => page.evaluate(() => document.activeElement?.closest('[data-step-form]') !== null))
  await press(page.getByLabel('Message'), 'Control+a')
  await page.keyboard.type('Shall it go on?')
  await page.keyboard.press('Tab')
  await go('Steps')
  await press(page.getByRole('button', { name: 'Add after ask' }))
  await page.keyboard.type('read')
  await press(page.locator('[data-tool=query]'))
  await go('Steps')
  await press(page.getByRole('button', { name: 'Connect look to…' }))
  const connect = page.getByRole('dialog', { name: 'Connect look to…' })
  assert.equal(await connect.getByLabel('Which step').inputValue(), 'look_2')
  await press(connect.getByRole('button', { name: 'Connect', exact: true }))
  await until('it is written', async () => /needs: \[ ask, look \]/.test(await document(page)))

  // On the canvas itself: from step to step by arrows, and a link away by its key.
  await node(page, 'look').focus()
  await page.keyboard.press('ArrowDown')
  await until('the next step has the focus', () => page.evaluate(() => document.activeElement?.dataset.stepNode === 'ask'))
  await page.keyboard.press('ArrowDown')
  await until('the link can be reached', () => page.evaluate(() => document.activeElement?.dataset.stepNode === 'look_2'))
  await press(page.getByRole('button', { name: 'look_2 begins when look has ended' }), 'Delete')
  await until('the link is gone', async () => /needs: \[ ask \]/.test(await document(page)))
  assert.deepEqual(await violations(page, 'built by keyboard'), [])

  await saveAndRun(page, 'second')
  await page.locator('[data-step-node=ask][data-mark="Asks a person"]').waitFor({ timeout: 30_000 })
  await page.getByRole('button', { name: 'Approve' }).first().click()
  await page.locator('[data-step-node=look_2][data-mark=Succeeded]').waitFor({ timeout: 30_000 })
})

journey('text and canvas are of one mind, and what is wrong is told where it is', { at: '/workflows/new' }, async ({ page }) => {
  await begin(page, FIRST)
  await text(page).fill(`${FIRST}  - { id: more, action: app.deploy, with: { reference: main } }\n`)
  await node(page, 'more').waitFor()
  // The check names the arguments: the step is marked, and the list leads to its form.
  await page.locator('[data-step-node=more][data-mark="1 problem"]').waitFor()
  await page.locator('[data-problem] button').first().click()
  await page.locator('[data-step-form=more]').getByText('does not take these arguments').waitFor()
  // What is chosen from the list of apps is written as an id.
  await page.locator('[data-step-form=more]').getByLabel('App', { exact: true }).selectOption({ label: 'hello-node' })
  await page.getByText('It can be saved: 2 steps.').waitFor()
  assert.match(await document(page), /\{ id: more, action: app\.deploy, with: \{ reference: main, app: [0-9a-f-]{36} \} \}\n$/)
  // A text that cannot be read leaves the drawing as it was, and says where.
  await text(page).fill(`${FIRST}  - { id: more\n`)
  await page.getByText(/Line \d+ cannot be read/).waitFor()
  assert.equal(await node(page, 'more').count(), 1)
  await text(page).fill(FIRST)
  await node(page, 'more').waitFor({ state: 'detached' })
  // Where the caret stands is what is chosen.
  await text(page).press('Control+End')
  await text(page).press('ArrowUp')
  await page.locator('[data-step-node=look][aria-pressed=true]').waitFor()
})

journey('a run is seen as it goes, walked through again, and laid out over time', { at: null }, async ({ me, plane, nested }) => {
  const { run } = await plane.call('POST', `/workflows/${nested.id}/execute`, {})
  const page = await me.open(`/workflows/runs/${run.id}?view=graph`)
  await settled(page)
  const marked = (key, mark) => page.locator(`[data-step-node=${key}][data-mark="${mark}"]`).waitFor({ timeout: 30_000 })
  await marked('go', 'Waiting')
  await marked('few', 'Succeeded')
  await marked('many', 'Not done')
  await marked('look', 'Succeeded')
  await plane.call('POST', `/workflow-executions/${run.id}/events`, { event: 'go' })
  await marked('go', 'Succeeded')
  // Back to a moment before anything had begun, and on by one.
  const slider = page.getByRole('slider', { name: 'Moment of the run' })
  await slider.focus()
  await page.keyboard.press('Home')
  await marked('apps', 'Not begun')
  await page.getByRole('button', { name: 'One moment on' }).click()
  await marked('apps', 'Running')
  await page.getByText('the run began; apps began').waitFor()
  // What went in is there at that moment, what came out is not yet.
  await node(page, 'apps').click()
  await page.getByText('What was done').waitFor()
  assert.equal(await page.getByText('What came of it').count(), 0)
  assert.equal(await page.getByRole('button', { name: 'Run again from this step' }).count(), 0)
  await page.getByRole('button', { name: 'One moment on' }).click()
  await page.getByText('What came of it').waitFor()
  await marked('apps', 'Succeeded')
  await marked('go', 'Not begun')
  await slider.press('End')
  await marked('go', 'Succeeded')
  const { length } = await plane.call('GET', `/workflow-executions/${run.id}/journal?limit=200`)
  assert.equal(await slider.getAttribute('max'), String(length))
  assert.deepEqual(await violations(page, 'graph of a run'), [])

  await page.getByRole('group', { name: 'How the run is shown' }).getByText('Timeline').click()
  const bars = page.locator('[data-timeline] [data-bar]')
  await bars.first().waitFor()
  assert.ok((await bars.count()) >= 5)
  assert.deepEqual(await violations(page, 'timeline of a run'), [])
  await page.getByRole('button', { name: /^go/ }).click()
  await page.locator('[data-step=go] [aria-expanded=true]').waitFor()
})

journey('two versions are compared, drawn and as text', { at: null }, async ({ me, plane }) => {
  const made = await plane.call('POST', '/workflows', { document: FIRST.replace('first', 'compared') })
  await plane.call('PUT', `/workflows/${made.id}`, { document: 'workflow: 1\nname: compared\nsteps:\n  - { id: other, query: /apps }\n', from: 1 })
  const page = await me.open(`/workflows/${made.id}/compare`)
  await settled(page)
  await page.locator('[data-step-node=other][data-mark=Added]').waitFor()
  await page.locator('[data-step-node=look][data-mark=Removed]').waitFor()
  assert.deepEqual(await violations(page, 'comparison, drawn'), [])
  await page.getByRole('group', { name: 'How the difference is shown' }).getByText('Text').click()
  await page.locator('[data-difference] del').getByText('- id: look').waitFor()
  await page.locator('[data-difference] ins').getByText('{ id: other').waitFor()
  assert.deepEqual(await violations(page, 'comparison, as text'), [])
})

journey('on a phone the canvas is looked at, and the list edits', { at: null, size: 'phone' }, async ({ me, nested }) => {
  const page = await me.open(`/workflows/${nested.id}/document`)
  await settled(page)
  await node(page, 'each').waitFor()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await node(page, 'each').click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.locator('[data-step-form=each]').getByLabel('Limit').fill('3')
  await page.locator('[data-step-form=each]').getByLabel('Limit').press('Tab')
  await pane(page, 'Steps')
  assert.deepEqual(await violations(page, 'list of steps on a phone'), [])
  await page.getByRole('button', { name: 'Delete choose' }).click()
  assert.match(await document(page), /limit: 3/)
  assert.doesNotMatch(await text(page).inputValue(), /choose/)
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0)
  assert.deepEqual(await violations(page, 'editing on a phone'), [])
})
