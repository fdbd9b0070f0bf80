import { expect, it } from 'vitest'
import { asKind, kindOf } from './setValue'

it.each([
  ['{{server.build.default.port}}', 'text', '{{server.build.default.port}}'],
  ['25565', 'text', '25565'],
  ['25565', 'number', 25_565],
  ['-3', 'number', -3],
  ['x', 'number', 0],
  ['true', 'bool', true],
  ['1', 'bool', true],
  ['no', 'bool', false],
] as const)('%j as %s is %j', (typed, kind, value) => expect(asKind(typed, kind)).toBe(value))

it.each([
  [true, 'bool'],
  [0, 'number'],
  ['0', 'text'],
  [undefined, 'text'],
])('%j is a %s', (value, kind) => expect(kindOf(value)).toBe(kind))
