import { expect, it } from 'vitest'
import { verbsFor } from './verbs'

const of = (name: string, kind = 'file', denied = false) => ({ name, kind, denied })
const all = () => true

it.each([
  [[of('a')], 'download rename move copy mode pack remove'],
  [[of('a.zip')], 'download rename move copy mode pack unpack remove'],
  [[of('a.zip', 'folder')], 'download rename move copy mode pack remove'],
  [[of('a', 'link')], 'rename move remove'],
  [[of('a', 'fifo')], 'rename move remove'],
  [[of('a', 'file', true)], ''],
  [[of('a'), of('b', 'folder')], 'move pack remove'],
  [[of('a'), of('b', 'device')], 'move remove'],
  [[of('a'), of('b', 'file', true)], ''],
  [[], ''],
])('%j', (entries, expected) => expect(verbsFor(entries, all).join(' ')).toBe(expected))

it.each([
  ['file:write', 'rename move copy mode'],
  ['file:delete', 'remove'],
  ['file:archive', 'pack unpack'],
  ['file:read', 'download'],
])('with %s alone', (right, expected) => expect(verbsFor([of('a.zip')], (asked) => asked === right).join(' ')).toBe(expected))
