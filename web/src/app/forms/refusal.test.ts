import { expect, it } from 'vitest'
import { Problem } from '@/api/problem'
import { fieldOf, findingsOf, wordsOf } from './refusal'

it.each([
  [{ code: 'value.refused', field: null, message: 'name: it is too long' }, 'name', 'It is too long'],
  [{ code: 'server.refused', field: null, message: 'settings.variables.MAX_USERS: Max users: it must be a number. There are 2 more such findings.' }, 'settings.variables.MAX_USERS', 'Max users: it must be a number. There are 2 more such findings.'],
  [{ code: 'value.refused', field: null, message: 'document.variables[2].rules[0]: nobody knows it' }, 'document.variables[2].rules[0]', 'Nobody knows it'],
  [{ code: 'name.taken', field: 'name', message: 'It is taken.' }, 'name', 'It is taken.'],
  [{ code: 'server.no_room', field: null, message: 'It does not fit: no room.' }, null, 'It does not fit: no room.'],
])('%o is about %s', (problem, field, words) => {
  expect(fieldOf(problem)).toBe(field)
  expect(wordsOf({ ...problem, fix: '' })).toBe(words)
})

it('says what to do behind it', () => expect(wordsOf({ code: 'value.refused', message: 'name: too long', fix: 'Cut it.' })).toBe('Too long Cut it.'))

it('tells all that is wrong, and the one thing where nothing else is known', () => {
  const all = [{ field: 'settings.variables.MAX', message: 'Max: it must be a number.', fix: 'Give another value.' }, { field: 'settings.image', message: 'There is no such image.', fix: '' }]
  const many = new Problem({ code: 'server.refused', message: 'settings.variables.MAX: Max: it must be a number.', findings: all })
  expect(findingsOf(many)).toEqual([
    { field: 'settings.variables.MAX', words: 'Max: it must be a number. Give another value.' },
    { field: 'settings.image', words: 'There is no such image.' },
  ])
  expect(findingsOf(new Problem({ code: 'value.refused', message: 'name: too long' }))).toEqual([{ field: 'name', words: 'Too long' }])
})
