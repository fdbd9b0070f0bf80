import { describe, expect, it } from 'vitest'
import { drawing } from '../canvas/layout'
import { allItems, outline } from '../document/outline'
import type { Fields } from '../document/source'
import { differences } from './difference'
import { rowsOf } from './lines'

const of = (value: Fields) => ({ value, blocks: outline(value) })
const step = (id: string, more: object = {}): Fields => ({ id, query: '/health', ...more })
const told = (before: Fields, after: Fields): string[] => differences(of(before), of(after)).steps.map(({ key, kind, fields }) => [kind, key, ...fields].join(' '))

describe('the difference of two versions', () => {
  it('is told by step: added, removed, changed in which fields', () => {
    const before = { steps: [step('a'), step('b'), step('c', { title: 'C' })] }
    expect(told(before, { steps: [step('a'), step('x'), step('c', { title: 'D', timeout: '5m' })] })).toEqual(['added x', 'changed c title timeout needs', 'removed b'])
    expect(told(before, structuredClone(before))).toEqual([])
  })
  it('knows steps within others for themselves', () => {
    const map = (steps: Fields[], over = 'x'): Fields => ({ steps: [{ id: 'each', map: { over, steps } }] })
    expect(told(map([step('in')]), map([step('in', { query: '/apps' })]))).toEqual(['changed in query'])
    expect(told(map([step('in')]), map([step('in')], 'y'))).toEqual(['changed each map'])
    expect(told(map([step('in')]), { steps: [{ id: 'each', map: { over: 'x', steps: [] } }, step('in')] })).toEqual(['changed in needs place'])
    const branch = (condition: string): Fields => ({ steps: [{ id: 'choose', branch: [{ if: condition, steps: [step('yes')] }] }] })
    expect(told(branch('a'), branch('b'))).toEqual(['changed choose branch'])
  })
  it('draws both in one: what is gone stands where it stood', () => {
    const { blocks } = differences(of({ steps: [step('a'), { id: 'each', map: { over: 'x', steps: [step('in')] } }, step('c')], onFailure: [step('tell')] }), of({ steps: [step('a'), step('c')] }))
    expect(allItems(blocks).map(({ key }) => key)).toEqual(['a', 'each', 'in', 'c', 'tell'])
    const drawn = drawing(blocks)
    expect(drawn.links.map(({ key }) => key)).toEqual(['a>each', 'a>c'])
    expect(new Set([...drawn.steps, ...drawn.frames].map(({ key }) => key)).size).toBe(drawn.steps.length + drawn.frames.length)
  })
  it('names what differs of the document itself', () => {
    expect(differences(of({ name: 'w', description: 'a', steps: [] }), of({ name: 'w', inputs: {}, steps: [step('a')] })).whole).toEqual(['description', 'inputs'])
  })
})

describe('two texts side by side', () => {
  it('has what was replaced beside what replaced it', () => {
    expect(rowsOf('a\nb\nc\n', 'a\nx\ny\nc\n', true)).toEqual([
      { kind: 'same', left: { number: 1, text: 'a' }, right: { number: 1, text: 'a' } },
      { kind: 'changed', left: { number: 2, text: 'b' }, right: { number: 2, text: 'x' } },
      { kind: 'changed', left: null, right: { number: 3, text: 'y' } },
      { kind: 'same', left: { number: 3, text: 'c' }, right: { number: 4, text: 'c' } },
    ])
  })
  it('folds what is the same and far from any difference', () => {
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`)
    const rows = rowsOf(lines.join('\n'), lines.with(10, 'other').join('\n'))
    expect(rows.map(({ kind }) => kind)).toEqual(['folded', 'same', 'same', 'same', 'changed', 'same', 'same', 'same', 'folded'])
    expect(rows[0]).toEqual({ kind: 'folded', count: 7 })
    expect(rowsOf('a', 'a')).toEqual([{ kind: 'same', left: { number: 1, text: 'a' }, right: { number: 1, text: 'a' } }])
  })
})
