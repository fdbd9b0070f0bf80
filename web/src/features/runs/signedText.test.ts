import { expect, it } from 'vitest'
import { signedText } from './signedText'

it('values of an environment are hidden, wherever it stands', () => {
  const { text, hides } = signedText({ order: { args: { app: { env: [{ name: 'TOKEN', value: 'geheim' }] } } } })
  expect(hides).toBe(true)
  expect(text).toContain('TOKEN')
  expect(text).not.toContain('geheim')
})
it('the rest is told as it is, with what cannot be seen made visible', () => {
  const { text, hides } = signedText({ subject: 'a\u202eb', env: 'x', list: [1] })
  expect(hides).toBe(false)
  expect(text).toBe('{\n  "subject": "a⟨U+202E⟩b",\n  "env": "x",\n  "list": [\n    1\n  ]\n}')
})
