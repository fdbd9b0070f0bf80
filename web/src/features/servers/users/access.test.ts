import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { accessOf, whatOf } from './access'
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
