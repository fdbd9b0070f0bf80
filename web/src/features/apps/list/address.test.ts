import { expect, it } from 'vitest'
import { address } from './address'

it.each([
  ['http://127.0.0.1:20000', '127.0.0.1:20000'],
  ['https://shop.example.org/admin', 'shop.example.org/admin'],
  ['tcp://127.0.0.1:20000', null],
  ['javascript:alert(1)', null],
  ['nonsense', null],
  [null, null],
])('%s', (url, shown) => expect(address(url)).toBe(shown))
