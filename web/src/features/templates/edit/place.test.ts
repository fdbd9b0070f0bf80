import { describe, expect, it } from 'vitest'
import { breaksAt, spotIn, stepsOf } from './place'

const text = `{
  "name": "a, [b] {c}",
  "odd \\"key\\"": 1,
  "variables": [
    { "env": "A", "rules": [] },
    {
      "env": "B",
      "rules": ["required", "max:x"]
    }
  ],
  "stop": { "kind": "signal" }
}
`

it('reads a place', () => expect(stepsOf('variables[2].rules[0]')).toEqual(['variables', 2, 'rules', 0]))

describe('finds where a place is', () => {
  it.each([
    ['', 1, 1],
    ['name', 2, 3],
    ['variables', 4, 3],
    ['variables[0]', 5, 5],
    ['variables[0].env', 5, 7],
    ['variables[1]', 6, 5],
    ['variables[1].env', 7, 7],
    ['variables[1].rules[1]', 8, 29],
    ['stop.kind', 11, 13],
    // What is missing would be in there.
    ['stop.signal', 11, 3],
    ['variables[7].env', 4, 3],
    ['startups', 1, 1],
  ])('%s', (place, line, column) => expect(spotIn(text, place)).toEqual({ line, column }))
})

it.each(['1', '[]', '{}', '"x"', '[[[{"a":[1,2,{"b":null}]}]]]'])('walks over %s', (text) => expect(spotIn(text, 'a.b[3]').line).toBe(1))

describe('finds where a text breaks', () => {
  it.each([
    ['{\n  "a": 1,\n}', 3, 1],
    ['{\n "a": \n}', 3, 1],
    ['{ "a" 1 }', 1, 7],
    ['{ a: 1 }', 1, 3],
    ["{ 'a': 1 }", 1, 3],
    ['[1, 2', 1, 6],
    ['[1 2]', 1, 4],
    ['[1,]', 1, 4],
    ['{"a": 01}', 1, 7],
    ['{"a": "x\ny"}', 1, 7],
    ['{"a": "\\q"}', 1, 7],
    ['{} {}', 1, 4],
    ['[}', 1, 2],
    ['', 1, 1],
    ['nul', 1, 1],
  ])('%j', (text, line, column) => {
    expect(() => JSON.parse(text) as unknown).toThrow()
    expect(breaksAt(text)).toEqual({ line, column })
  })
  it.each([text, '1', '-1.5e+3', ' [ ] ', '{"a":{"b":[true,null,"\\u00e9\\n"]}}', '""'])('%j does not break', (good) => {
    expect(() => JSON.parse(good) as unknown).not.toThrow()
    expect(breaksAt(good)).toBeNull()
  })
})
