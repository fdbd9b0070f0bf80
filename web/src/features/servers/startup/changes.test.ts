import { expect, it } from 'vitest'
import { readAlt } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'
import { fromStart, startChanges, toStart, variableOf } from './changes'

const alt = readAlt({ variables: [{ name: 'Motd', env: 'MOTD', default: 'Hello' }, { name: 'Max users', env: 'MAX', default: '100' }] })

it('what a server says of its own survives, what is the template’s is left to it', () => {
  const settings = { image: 'Java 21', startup: null, variables: { MOTD: 'Hi', MAX: '100', GONE: 'x' } }
  expect(fromStart(toStart(settings), alt)).toEqual({ image: 'Java 21', startup: null, variables: { MOTD: 'Hi', GONE: 'x' }, secrets: {} })
})

it('tells what differs', () => {
  const { lines } = text.startup
  const before = { image: null, startup: 'Default', variables: { MOTD: 'Hi', GONE: 'x' } }
  const after = { image: 'Java 21', startup: null, variables: { MOTD: '', MAX: '5' } }
  expect(startChanges(before, after, alt)).toEqual([lines.image('Java 21'), lines.startup(lines.asTemplate), lines.set('Motd', lines.empty), lines.unset('GONE'), lines.set('Max users', '5')])
  expect(startChanges(before, before, alt)).toEqual([])
})

it('a variable has a value or a secret, and no value of a secret is told', () => {
  const { lines } = text.startup
  const before = { variables: { MOTD: 'Hi' }, secrets: { MAX: 'limit' } }
  const form = { ...toStart(before), secrets: { MOTD: ' greeting ', MAX: '' } }
  const after = { ...before, ...fromStart(form, alt) }
  expect(after).toMatchObject({ variables: {}, secrets: { MOTD: 'greeting' } })
  expect(startChanges(before, after, alt)).toEqual([lines.secret('Motd', 'greeting'), lines.unset('Max users')])
})

it.each([
  ['settings.variables.MOTD', 'MOTD'],
  ['settings.secrets.RCON', 'RCON'],
  ['settings.limits.memory', null],
  ['name', null],
])('%s is of %s', (field, name) => expect(variableOf(field)).toBe(name))
