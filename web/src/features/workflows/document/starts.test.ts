import { expect, it } from 'vitest'
import { addInput, addStart, inputsIn, removeInput, removeStart, renameInput, requireInput, signBy, startsIn, turnStart, typeInput } from './starts'
import { isRead, read, type Source } from './source'

const source = (text: string): Source => {
  const found = read(text)
  if (!isRead(found)) throw new Error(found.message)
  return found
}
const PLAIN = 'workflow: 1\nname: w   # its name\n\nsteps:\n  - { id: a, query: "/apps/${{ inputs.app }}" }\n'
const FULL = `workflow: 1
name: w
triggers:
  # Every night.
  - id: night
    cron: { at: "0 3 * * *", timezone: UTC }
    input: { app: x }
  - { id: push, webhook: { scheme: token, secret: KEY, header: X-Token } }
inputs:
  type: object
  properties:
    app: { type: string, default: shop } # which
    count: { type: integer }
  required: [app]
steps:
  - { id: a, query: "/apps/\${{ inputs.app }}?n=\${{ inputs.application }}" }
`
const start = (text: string, at: number) => startsIn(source(text).value)[at]!
const input = (text: string, name: string) => inputsIn(source(text).value)!.find((one) => one.name === name)!

it('a schedule and a webhook are written where people look for them, and nothing else changes', () => {
  const once = addStart(source(PLAIN), 'cron', 'Europe/Berlin')!
  expect(once.text).toBe(PLAIN.replace('# its name\n', '# its name\ntriggers:\n  - id: schedule\n    cron: { at: 0 3 * * *, timezone: Europe/Berlin }\n'))
  const twice = addStart(addStart(once, 'cron', 'UTC')!, 'webhook', 'UTC')!
  expect(startsIn(twice.value).map(({ id, kind }) => [id, kind])).toEqual([['schedule', 'cron'], ['schedule_2', 'cron'], ['hook', 'webhook']])
})

it('one trigger is turned, signed otherwise and taken away; the last one takes the list with it', () => {
  expect(turnStart(source(FULL), start(FULL, 0), 'webhook')!.text).toContain('    webhook: { scheme: standard, secret: WEBHOOK_SECRET }\n')
  expect(turnStart(source(FULL), start(FULL, 0), 'webhook')!.text).not.toContain('cron')
  expect(signBy(source(FULL), start(FULL, 1), 'github')!.text).toContain('{ scheme: github, secret: KEY }')
  expect(signBy(source(FULL), start(FULL, 1), 'hmac-sha256')!.text).toContain('{ scheme: hmac-sha256, secret: KEY, header: X-Token }')
  const one = removeStart(source(FULL), start(FULL, 0))!
  expect(one.text).not.toContain('Every night')
  expect(removeStart(one, start(one.text, 0))!.text).not.toContain('triggers')
})

it('inputs are added, required, typed and taken away', () => {
  const { source: made, name } = addInput(source(PLAIN))!
  expect([name, made.value.inputs]).toEqual(['input', { type: 'object', properties: { input: { type: 'string' } } }])
  expect(requireInput(made, 'input', true)!.value.inputs).toMatchObject({ required: ['input'] })
  expect(addInput(source(FULL))!.source.text).toContain('    count: { type: integer }\n    input: { type: string }\n')
  expect(requireInput(source(FULL), 'app', false)!.text).not.toContain('required')
  expect(typeInput(source(FULL), input(FULL, 'app'), 'integer')!.text).toContain('    app: { type: integer } # which\n')
  expect(typeInput(source(FULL), input(FULL, 'count'), 'number')!.text).toContain('count: { type: number }')
  const without = removeInput(source(FULL), input(FULL, 'app'))!
  expect(without.value).toMatchObject({ inputs: { properties: { count: { type: 'integer' } } } })
  expect(without.text).not.toMatch(/input: \{|required/)
  expect(removeInput(without, input(without.text, 'count'))!.text).not.toContain('inputs:')
})

it('an input is called otherwise in its place and wherever it is named', () => {
  const { text } = renameInput(source(FULL), input(FULL, 'app'), 'shop')!
  expect(text).toBe(
    FULL.replace('input: { app: x }', 'input: { shop: x }').replace('    app: { type', '    shop: { type').replace('required: [app]', 'required: [ shop ]').replace('inputs.app }', 'inputs.shop }'),
  )
  expect(renameInput(source(FULL), input(FULL, 'app'), 'count')).toBeNull()
})

it('what no form tells of is left to the text', () => {
  expect(inputsIn(source('inputs: [1]\n').value)).toBeNull()
  expect(inputsIn(source('inputs: { type: object, properties: { a: { type: [string, "null"] } } }\n').value)).toMatchObject([{ name: 'a', type: null }])
  expect(startsIn(source('triggers:\n  - x\n  - { id: b, cron: {}, webhook: {} }\n').value).map(({ kind }) => kind)).toEqual([null, null])
})
