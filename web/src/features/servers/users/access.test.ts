import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { accessOf, accessOfPeople, broughtBy, invitationsTo, isAddress, personOf, whatOf } from './access'
import { presetFor, PRESETS } from './presets'

const grant = (id: string, kind: string, object: string, given: object = { permissions: ['server:view'] }) => ({ id, permissions: [], object: { kind, id: object }, ...given })
const person = (name: string, ...roles: object[]) => ({ id: name, name, roles }) as unknown as Schemas['Person']

it('lists those who were given something here, and nothing of elsewhere', () => {
  const people = [person('Zoe', grant('1', 'server', 's')), person('Ada', grant('2', 'server', 's'), grant('3', 'server', 't'), grant('4', 'node', 's')), person('Kim', grant('5', 'tenant', ''))]
  expect(accessOf(people, 's').map(({ person, grants }) => `${person.name} ${grants.map(({ id }) => id).join()}`)).toEqual(['Ada 2', 'Zoe 1'])
})

it('shows a person once, with roles before single permissions', () => {
  const given = [grant('1', 'server', 's', { permissions: ['server:view'] }), grant('2', 'server', 's', { permissions: ['console:view'] }), grant('3', 'server', 's', { role: 'server-owner', roleTitle: 'Owner of a server', permissions: ['a:b', 'c:d'] })]
  const [access] = accessOf([person('Ada', ...given)], 's')
  expect(access!.grants.map((one) => whatOf(one, String))).toEqual(['Owner of a server', 'console:view', 'server:view'])
})

it('each preset holds what the one before holds', () => {
  expect(PRESETS.moderate).toEqual(expect.arrayContaining([...PRESETS.watch]))
  expect(PRESETS.operate).toEqual(expect.arrayContaining([...PRESETS.moderate]))
})

it('hands on nothing that one does not have', () => expect(presetFor('operate', (right) => right !== 'server:stop')).not.toContain('server:stop'))

it.each([
  ['bea@example.org', true],
  [' Bea@Example.org ', true],
  ['bea', false],
  ['bea@host', false],
  ['bea @example.org', false],
  ['', false],
])('%j is an address: %s', (typed, is) => expect(isAddress(typed)).toBe(is))

it('knows somebody by the whole address, however it is written', () => {
  const people = [{ email: 'bea@example.org' }, { email: 'Cleo@Example.org' }]
  expect(personOf(people, ' CLEO@example.org')).toBe(people[1])
  expect(personOf(people, 'ea@example.org')).toBeUndefined()
})

it('tells invitations to this server from others, and what they bring', () => {
  const invitation = (id: string, kind: string, object: string | null, role: string, permissions: string[] = []) => ({ id, object: { kind, id: object }, role, permissions }) as unknown as Schemas['Invitation']
  const all = [invitation('1', 'server', 's', '', ['server:view', 'console:view']), invitation('2', 'server', 't', 'viewer'), invitation('3', 'tenant', null, 'viewer'), invitation('4', 'server', 's', 'server-owner')]
  expect(invitationsTo(all, 's').map((one) => broughtBy(one, (role) => role.toUpperCase()))).toEqual([['console:view', 'server:view'], ['SERVER-OWNER']])
})

it('takes people as the server tells them', () => {
  const told = [{ id: 'a', name: 'Ada', email: 'a@example.org', grants: [grant('1', 'server', 's'), grant('2', 'server', 's', { role: 'server-owner', roleTitle: 'Owner of a server' })] }] as unknown as Schemas['ServerPerson'][]
  expect(accessOfPeople(told)[0]!.grants.map(({ id }) => id)).toEqual(['2', '1'])
  expect(accessOfPeople(told)[0]!.person).toEqual({ id: 'a', name: 'Ada', email: 'a@example.org' })
})
