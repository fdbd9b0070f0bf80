import { expect, it } from 'vitest'
import { flipped, has, letters, readMode, writeMode } from './mode'

it.each([['644', 0o644], [' 0755 ', 0o755], ['000', 0], ['4755', null], ['64', null], ['648', null], ['+44', null], ['', null], ['rwx', null]])('%j is %j', (text, mode) => expect(readMode(text)).toBe(mode))
it.each([[0o644, '644', 'rw-r--r--'], [0o7, '007', '------rwx'], [0o750, '750', 'rwxr-x---']])('%i is %s, %s', (mode, digits, shown) => {
  expect(writeMode(mode)).toBe(digits)
  expect(letters(mode)).toBe(shown)
})
it('each box is one bit', () => {
  expect(has(0o640, 'group', 'read')).toBe(true)
  expect(has(0o640, 'others', 'read')).toBe(false)
  expect(flipped(0o644, 'owner', 'run')).toBe(0o744)
  expect(flipped(flipped(0o644, 'others', 'write'), 'others', 'write')).toBe(0o644)
})
