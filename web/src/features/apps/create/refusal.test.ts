import { expect, it } from 'vitest'
import { refusedField, withoutField } from './refusal'

const told = (code: string, message = '', field: string | null = null) => ({ code, message, field })
it.each([
  [told('value.refused', 'repository: an address has 1 to 1024 characters'), 'repository'],
  [told('value.refused', 'env[0].name: no'), 'env[0].name'],
  [told('value.refused', 'something else'), null],
  [told('body.field', '`name` is refused', 'name'), 'name'],
  [told('source.denied', 'x'), 'repository'],
  [told('source.not_there', 'https://x has no branch or tag `nope`'), 'reference'],
  [told('source.not_there', 'https://x has no README'), 'repository'],
  [told('source.not_there', 'https://x has no commit yet: it is empty'), 'repository'],
  [told('node.offline', 'x'), 'node'],
  [told('network.away', 'x'), null],
])('%o', (problem, field) => expect(refusedField(problem)).toBe(field))

it('does not name the field twice', () => {
  expect(withoutField(told('value.refused', 'repository: an address is long'))).toBe('An address is long')
  expect(withoutField(told('source.denied', 'the host said no'))).toBe('The host said no')
})
