import { expect, it } from 'vitest'
import { fieldOf, isRequired, readAlt } from './alt'

it('reads what a page shows of a template', () => {
  const alt = readAlt({
    alt: 1,
    name: 'IRC server',
    runtime: 'process',
    startups: [{ label: 'Default', run: { kind: 'argv', argv: ['/usr/sbin/ngircd', '-n', 'two words', ''] } }, { label: 'Shell', run: { kind: 'shell', line: './run {{PORT}}' } }],
    variables: [{ name: 'Motd', env: 'MOTD', default: 'Hello', viewable: true, editable: true, rules: ['required', 'string'] }],
    install: { entrypoint: 'bash', script: 'true' },
  })
  expect(alt.startups).toEqual([
    { label: 'Default', run: '/usr/sbin/ngircd -n "two words" ""' },
    { label: 'Shell', run: './run {{PORT}}' },
  ])
  expect(alt.variables[0]).toEqual({ name: 'Motd', env: 'MOTD', description: '', default: 'Hello', viewable: true, editable: true, rules: ['required', 'string'], secret: false })
  expect(alt.hasInstall).toBe(true)
})

it.each([null, 1, 'x', [], { variables: 'none', startups: [null], images: [{ label: 1 }] }])('%j breaks nothing', (document) => {
  expect(readAlt(document).variables).toEqual([])
})

it.each([
  [['required', 'in:easy,hard'], { kind: 'choice', options: ['easy', 'hard'] }],
  [['in:"a,b",c'], { kind: 'text' }],
  [['in:one'], { kind: 'text' }],
  [['boolean'], { kind: 'switch' }],
  [['required', 'integer', 'between:1,5'], { kind: 'number' }],
  [['numeric'], { kind: 'number' }],
  [['string', 'max:20'], { kind: 'text' }],
  [[], { kind: 'text' }],
])('%j is asked for as %j', (rules, field) => expect(fieldOf({ rules })).toEqual(field))

it('knows what has to be said', () => {
  expect(isRequired({ rules: ['required', 'string'] })).toBe(true)
  expect(isRequired({ rules: ['required_if:X,1'] })).toBe(false)
})
