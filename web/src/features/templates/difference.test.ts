import { expect, it } from 'vitest'
import { differenceOf, linesOf } from './difference'

it('is none where only the order of keys is another', () => expect(differenceOf({ b: 1, a: { d: [1], c: 'x' } }, { a: { c: 'x', d: [1] }, b: 1 })).toBe(''))

it('shows a script line by line', () => {
  const patch = differenceOf({ install: { script: '#!/bin/sh\necho one\necho two\n' } }, { install: { script: '#!/bin/sh\necho one\necho three\n' } })
  expect(patch).toContain('-    echo two')
  expect(patch).toContain('+    echo three')
  expect(patch).not.toMatch(/^[-+] +echo one/m)
})

it('keeps texts that look like something else', () => expect(linesOf({ a: 'yes', b: '1', c: '- x' })).toBe('a: "yes"\nb: "1"\nc: "- x"\n'.replace('"yes"', 'yes')))
