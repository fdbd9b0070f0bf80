import { expect, it } from 'vitest'
import { readAddresses } from './addresses'

it('takes lines and commas, each once', () => {
  expect(readAddresses('192.0.2.7\n 198.51.100.0/24, 2001:db8::/32\n192.0.2.7\n')).toEqual({ addresses: ['192.0.2.7', '198.51.100.0/24', '2001:db8::/32'], wrong: null })
  expect(readAddresses('  ')).toEqual({ addresses: [], wrong: null })
})

it.each(['256.0.0.1', '192.0.2.0/33', '192.0.2', 'example.org', '2001:db8::/129', '*', '1.2.3.4/', '1:::2', '::1::'])('refuses %s', (typed) => {
  expect(readAddresses(`192.0.2.1 ${typed}`).wrong).toBe(typed)
})

it.each(['::1', '::ffff:192.0.2.1', 'fe80::1/64', '0.0.0.0/0'])('takes %s', (typed) => expect(readAddresses(typed).wrong).toBeNull())
