import { describe, expect, it } from 'vitest'
import { isRead, read, type Source } from './source'
import { change, type Change } from './splice'

const DOCUMENT = `# What it is for.
workflow: 1
name: staged   # its name
inputs:
  type: object
  properties: { app: { type: string } }

steps:
  # First of all.
  - id: look
    query: "/apps/\${{ inputs.app }}"   # reads

  - { id: ask, approval: { message: 'Go on?' } }   # a person

  # Then it goes out.
  # Twice.
  - id: deploy
    title: Deploy
    action: app.deploy
    with:
      # which one
      app: "\${{ inputs.app }}"
      reference: main
    catch:
      - id: back
        action: app.rollback
        with: { app: "\${{ inputs.app }}" }
output: done # at last
`
const source = (text: string): Source => {
  const found = read(text)
  if (!isRead(found)) throw new Error(found.message)
  return found
}
/** The lines that a change took away (`-`) and brought (`+`). */
function touched(text: string, wanted: Change): string[] {
  const after = change(source(text), wanted)?.text
  if (after === undefined) return ['refused']
  const [old, now] = [text.split('\n'), after.split('\n')]
  let from = 0
  while (from < old.length && old[from] === now[from]) from++
  let to = 0
  while (to < old.length - from && to < now.length - from && old.at(-1 - to) === now.at(-1 - to)) to++
  return [...old.slice(from, old.length - to).map((line) => `-${line}`), ...now.slice(from, now.length - to).map((line) => `+${line}`)]
}

describe('a change touches its own lines alone', () => {
  const cases: [string, Change, string[]][] = [
    ['a text', { set: ['name'], value: 'other' }, ['-name: staged   # its name', '+name: other   # its name']],
    ['a quoted text keeps its quotes', { set: ['steps', 1, 'approval', 'message'], value: "Don't?" }, ["-  - { id: ask, approval: { message: 'Go on?' } }   # a person", "+  - { id: ask, approval: { message: 'Don''t?' } }   # a person"]],
    ['a field within lines', { set: ['steps', 2, 'with', 'reference'], value: 'next' }, ['-      reference: main', '+      reference: next']],
    ['a new field within lines', { set: ['steps', 2, 'with', 'commit'], value: 'abc' }, ['+      commit: abc']],
    ['a new field where it belongs', { set: ['steps', 2, 'if'], value: "steps.ask.output.decision == 'approved'" }, ["+    if: steps.ask.output.decision == 'approved'"]],
    ['a new field behind the comment of the line before', { set: ['steps', 0, 'timeout'], value: '5m' }, ['+    timeout: 5m']],
    ['a new field in braces', { set: ['steps', 1, 'needs'], value: ['look'] }, ["-  - { id: ask, approval: { message: 'Go on?' } }   # a person", "+  - { id: ask, approval: { message: 'Go on?' }, needs: [ look ] }   # a person"]],
    ['a map that was not there', { set: ['steps', 0, 'retry', 'attempts'], value: 3 }, ['+    retry: { attempts: 3 }']],
    ['a field away', { drop: ['steps', 2, 'with', 'reference'] }, ['-      reference: main']],
    ['a field in braces away', { drop: ['steps', 1, 'approval'] }, ["-  - { id: ask, approval: { message: 'Go on?' } }   # a person", '+  - { id: ask }   # a person']],
    ['the last field of a map takes it along', { drop: ['steps', 2, 'catch', 0, 'with', 'app'] }, ['-        with: { app: "${{ inputs.app }}" }']],
    ['a step in between', { insert: ['steps'], at: 1, value: { id: 'wait', wait: { for: '1m' } } }, ['+  - id: wait', '+    wait: { for: 1m }', '+']],
    ['a step at the end', { insert: ['steps'], at: 3, value: { id: 'end', query: '/health' } }, ['+', '+  - id: end', '+    query: /health']],
    ['a step within another', { insert: ['steps', 2, 'catch'], at: 1, value: { id: 'end', query: '/health' } }, ['+      - id: end', '+        query: /health']],
    ['the first steps of a kind', { insert: ['steps', 0, 'catch'], at: 0, value: { id: 'end', query: '/health' } }, ['+    catch:', '+      - id: end', '+        query: /health']],
    ['a list that was not there', { insert: ['onFailure'], at: 0, value: { id: 'tell', query: '/health' } }, ['+onFailure:', '+  - id: tell', '+    query: /health']],
    ['a step away with the comments right above it', { drop: ['steps', 2] }, DOCUMENT.split('\n').slice(13, 27).map((line) => `-${line}`)],
    ['the only step of a list', { drop: ['steps', 2, 'catch', 0] }, ['-    catch:', '-      - id: back', '-        action: app.rollback', '-        with: { app: "${{ inputs.app }}" }', '+    catch: []']],
    ['a text of several lines', { set: ['steps', 0, 'title'], value: 'One\nTwo' }, ['+    title: |-', '+      One', '+      Two']],
  ]
  it.each(cases)('%s', (_, wanted, expected) => expect(touched(DOCUMENT, wanted)).toEqual(expected))
})

it('the first step comes before the comments of the one that was first', () => {
  expect(change(source(DOCUMENT), { insert: ['steps'], at: 0, value: { id: 'begin', query: '/health' } })!.text).toContain('steps:\n  - id: begin\n    query: /health\n\n  # First of all.\n  - id: look\n')
})

it('the first of a few steps goes with its comment, and the next moves up', () => {
  expect(change(source(DOCUMENT), { drop: ['steps', 0] })!.text).toContain("steps:\n  - { id: ask, approval: { message: 'Go on?' } }   # a person\n")
})

describe('other ways to write a document', () => {
  it('JSON stays JSON, and its lines stay lines', () => {
    const json = JSON.stringify({ workflow: 1, name: 'w', steps: [{ id: 'a', query: '/health' }] }, null, 2)
    expect(touched(json, { insert: ['steps'], at: 1, value: { id: 'b', wait: { for: '1m' } } })).toEqual(['-    }', '+    },', '+    {"id":"b","wait":{"for":"1m"}}'])
    expect(touched(json, { set: ['steps', 0, 'query'], value: '/apps' })).toEqual(['-      "query": "/health"', '+      "query": "/apps"'])
    expect(touched(json, { set: ['steps', 0, 'timeout'], value: '5m' })).toEqual(['-      "query": "/health"', '+      "query": "/health",', '+      "timeout": "5m"'])
    expect(() => JSON.parse(change(source(json), { drop: ['steps', 0] })!.text)).not.toThrow()
  })
  it('lists that stand no deeper than their name, and steps in braces', () => {
    const flat = 'workflow: 1\nname: w\nsteps:\n- id: a\n  query: /health\n- { id: b, query: /health } # b\n'
    expect(touched(flat, { insert: ['steps'], at: 1, value: { id: 'c', query: '/apps' } })).toEqual(['+- id: c', '+  query: /apps'])
    expect(touched(flat, { drop: ['steps', 1] })).toEqual(['-- { id: b, query: /health } # b'])
    expect(touched('steps: [{ id: a }, { id: b }]\n', { drop: ['steps', 0] })).toEqual(['-steps: [{ id: a }, { id: b }]', '+steps: [{ id: b }]'])
    expect(touched('steps: []\n', { insert: ['steps'], at: 0, value: { id: 'a' } })).toEqual(['-steps: []', '+steps:', '+  - id: a'])
  })
  it('a text without a line end, and a field without a value', () => {
    expect(change(source('name: w\nsteps:\n  - id: a\n    with:'), { set: ['steps', 0, 'with', 'app'], value: 'x' })!.text).toBe('name: w\nsteps:\n  - id: a\n    with: { app: x }')
    expect(change(source('a: 1'), { set: ['b'], value: 'no' })!.text).toBe('a: 1\nb: no')
  })
  it('what braces would misread is quoted in them', () => {
    expect(change(source('a: { b: 1 }\n'), { set: ['a', 'c'], value: 'x, y: {z}' })!.text).toBe('a: { b: 1, c: "x, y: {z}" }\n')
  })
  it('what is only a name for another value is refused, and other things beside it are not', () => {
    const named = 'base: &base { app: x }\nsteps:\n  - id: a\n    with: *base\n'
    expect(touched(named, { set: ['steps', 0, 'with', 'app'], value: 'y' })).toEqual(['refused'])
    expect(touched(named, { set: ['steps', 0, 'with'], value: { app: 'y' } })).toEqual(['-    with: *base', '+    with: { app: y }'])
    expect(touched(named, { insert: ['steps'], at: 1, value: { id: 'b' } })).toEqual(['+  - id: b'])
    expect(touched(named, { drop: ['base'] })).toEqual(['refused'])
  })
})

it('any change of any document comes to the value it was meant to come to', () => {
  // Every field of every place, replaced, taken away and preceded: the text must read as meant, or the change be refused.
  const places: (string | number)[][] = []
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (path.length) places.push(path)
    if (Array.isArray(value)) value.forEach((item, at) => walk(item, [...path, at]))
    else if (value && typeof value === 'object') for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
  }
  walk(source(DOCUMENT).value, [])
  for (const path of places) {
    for (const value of ['x', 7, { a: 'b: c' }, ['${{ a }}'], 'two\nlines']) expect(change(source(DOCUMENT), { set: path, value }), path.join('.')).not.toBeNull()
    if (path.length > 1 || path[0] !== 'steps') expect(change(source(DOCUMENT), { drop: path })?.text.includes('# What it is for.'), path.join('.')).toBe(true)
  }
})
