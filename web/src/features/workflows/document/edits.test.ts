import { describe, expect, it } from 'vitest'
import { addStep, before, behind, connect, disconnect, freshId, mayNeed, removeStep, renameStep, setNeeds, type Spot } from './edits'
import { allBlocks, allItems, listed, outline, type Item } from './outline'
import { byStep, located, ofField, stepAtLine } from './place'
import { isRead, read, type Source } from './source'

const DOCUMENT = `workflow: 1
name: w
steps:
  - id: a           # begins
    query: /health
  - id: b
    query: /apps
  - id: c
    needs: [a]
    query: /apps/\${{ steps.a.output.id }}/x\${{ steps.ab.output }}
  - id: each
    needs: [b, c]
    map:
      over: steps.b.output
      steps: [{ id: inner, query: "/apps/\${{ item.id }}" }]
  - id: choose
    branch:
      - if: size(steps.b.output) > 1
        steps: [{ id: many, query: /health }]
      - steps: []
onFailure:
  - { id: tell, query: /health }
`
const source = (text = DOCUMENT): Source => {
  const found = read(text)
  if (!isRead(found)) throw new Error(found.message)
  return found
}
const find = (from: Source, id: string): Item => allItems(outline(from.value)).find((item) => item.id === id)!
const needs = (from: Source | null): Record<string, string[]> => Object.fromEntries(allItems(outline(from!.value)).map((item) => [item.id, item.needs]))
const STEP = { id: 'x', query: '/health' }

describe('the outline of a document', () => {
  const blocks = outline(source().value)
  it('has all steps, with what they need and what they stand in', () => {
    expect(needs(source())).toEqual({ a: [], b: ['a'], c: ['a'], each: ['b', 'c'], inner: [], choose: ['each'], many: [], tell: [] })
    expect(allBlocks(blocks).map(({ key, role, condition }) => [key, role, condition])).toEqual([
      ['steps', 'steps', ''],
      ['steps[3].map.steps', 'map', ''],
      ['steps[4].branch[0].steps', 'case', 'size(steps.b.output) > 1'],
      ['steps[4].branch[1].steps', 'case', ''],
      ['onFailure', 'onFailure', ''],
    ])
    expect(listed(blocks).map(({ item, depth, opens }) => `${'.'.repeat(depth)}${item.id}${opens ? `:${opens.role}` : ''}`)).toEqual(['a', 'b', 'c', 'each', '.inner:map', 'choose', '.many:case', 'tell:onFailure'])
  })
  it('bears with whatever is written', () => {
    const strange = { steps: [null, 7, { id: 'a' }, { id: 'a', branch: 3, map: [] }, { needs: [1, 'a'] }] }
    expect(allItems(outline(strange)).map(({ key, kind }) => [key, kind])).toEqual([['steps[0]', 'none'], ['steps[1]', 'none'], ['a', 'none'], ['steps[3]', 'map'], ['steps[4]', 'none']])
    expect(outline({})).toEqual([])
  })
})

describe('a new step', () => {
  const add = (spot: (from: Source) => Spot) => needs(addStep(source(), spot(source()), STEP)!.source)
  it('behind another is needed by the one that stood there', () => expect(add((from) => ({ after: find(from, 'a') }))).toMatchObject({ x: ['a'], b: ['x'], c: ['a'] }))
  it('between two is needed by the second alone', () => {
    expect(add((from) => ({ from: find(from, 'a'), to: find(from, 'c') }))).toMatchObject({ x: ['a'], b: ['a'], c: ['x'] })
    expect(add((from) => ({ from: find(from, 'c'), to: find(from, 'each') }))).toMatchObject({ x: ['c'], each: ['b', 'x'], choose: ['each'] })
    expect(add((from) => ({ from: find(from, 'each'), to: find(from, 'choose') }))).toMatchObject({ x: ['each'], choose: ['x'] })
  })
  it('goes into an empty block', () => {
    const made = addStep(source(), { block: allBlocks(outline(source().value)).find(({ key }) => key === 'steps[4].branch[1].steps')! }, STEP)!
    expect(find(made.source, 'x').block).toEqual(['steps', 4, 'branch', 1, 'steps'])
  })
  it('gets an id of its own', () => {
    expect(freshId('app.deploy', [])).toBe('app_deploy')
    expect(freshId('a', ['a', 'a_2'])).toBe('a_3')
    expect(freshId('9!', [])).toBe('step')
    expect(addStep(source(), { after: find(source(), 'a') }, { ...STEP, id: 'tell' })!.id).toBe('tell_2')
  })
})

describe('a step away', () => {
  it('leaves its needs to those that needed it', () => {
    expect(needs(removeStep(source(), find(source(), 'a')))).toMatchObject({ b: [], c: [] })
    expect(needs(removeStep(source(), find(source(), 'b')))).toMatchObject({ c: ['a'], each: ['a', 'c'] })
    expect(needs(removeStep(source(), find(source(), 'each')))).toMatchObject({ choose: ['b', 'c'] })
  })
})

describe('a connection', () => {
  const items = outline(source().value)[0]!.items
  const at = (id: string): Item => items.find((item) => item.id === id)!
  it('is drawn once, never in a circle, and among steps beside each other', () => {
    expect(mayNeed(items, at('c'), at('b'))).toBe(true)
    expect(mayNeed(items, at('a'), at('choose'))).toBe(false)
    expect(mayNeed(items, at('c'), at('c'))).toBe(false)
    expect(mayNeed(items, at('c'), at('a'))).toBe(false)
    expect(mayNeed(items, at('c'), find(source(), 'inner'))).toBe(false)
    expect([...before(items, at('each'))].sort()).toEqual(['a', 'b', 'c'])
    expect([...behind(items, at('b'))].sort()).toEqual(['choose', 'each'])
    expect(needs(connect(source(), at('b'), at('c')))).toMatchObject({ b: ['a', 'c'] })
  })
  it('that nothing says is written down once another is gone', () => {
    expect(needs(disconnect(source(), at('b'), 'a'))).toMatchObject({ b: [] })
    expect(disconnect(source(), at('b'), 'a')!.text).toContain('  - id: b\n    needs: []\n    query: /apps\n')
    expect(setNeeds(source(), at('each'), null)!.text).not.toContain('needs: [b, c]')
  })
})

it('another id is written wherever the step is named', () => {
  const { text } = renameStep(source(), find(source(), 'a'), 'first')!
  expect(text).toContain('  - id: first           # begins\n')
  expect(text).toContain('    needs: [ first ]')
  expect(text).toContain('/apps/${{ steps.first.output.id }}/x${{ steps.ab.output }}')
})

it('problems lead to the step and the field they are about', () => {
  const problem = (place: string) => ({ place, message: '', fix: '' })
  const found = located(source(), [problem('steps[3].map.steps[0].query'), problem('steps[3].map.over'), problem('steps[4].branch.0.if'), problem('name'), problem('')])
  expect(found.map(({ step, field }) => [step, field])).toEqual([['inner', 'query'], ['each', 'map.over'], ['choose', 'branch.0.if'], [null, ''], [null, '']])
  expect(ofField(byStep(found).get('each')!, 'map')).toHaveLength(1)
  expect([stepAtLine(source(), 5), stepAtLine(source(), 15), stepAtLine(source(), 1)]).toEqual(['a', 'inner', null])
})
