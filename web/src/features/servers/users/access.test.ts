import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { accessOf } from './access'
import { presetFor, PRESETS } from './presets'

const grant = (id: string, kind: string, object: string) => ({ id, permissions: ['server:view'], object: { kind, id: object } })
const person = (name: string, ...roles: object[]) => ({ id: name, name, roles }) as unknown as Schemas['Person']

it('lists those who were given something here, and nothing of elsewhere', () => {
  const people = [person('Zoe', grant('1', 'server', 's')), person('Ada', grant('2', 'server', 's'), grant('3', 'server', 't'), grant('4', 'node', 's')), person('Kim', grant('5', 'tenant', ''))]
  expect(accessOf(people, 's').map(({ person, grant }) => `${person.name} ${grant.id}`)).toEqual(['Ada 2', 'Zoe 1'])
})

it('each preset holds what the one before holds', () => {
  expect(PRESETS.moderate).toEqual(expect.arrayContaining([...PRESETS.watch]))
  expect(PRESETS.operate).toEqual(expect.arrayContaining([...PRESETS.moderate]))
})

it('hands on nothing that one does not have', () => expect(presetFor('operate', (right) => right !== 'server:stop')).not.toContain('server:stop'))
