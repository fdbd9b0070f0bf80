import { expect, it } from 'vitest'
import { tabTitle } from './pageTitle'

it.each([
  ['Inbox', 3, '(3) Inbox · ServerFlow'],
  ['Inbox', 0, 'Inbox · ServerFlow'],
  ['', 2, '(2) ServerFlow'],
])('%s with %i waiting is %s', (title, waits, told) => expect(tabTitle(title, waits)).toBe(told))
