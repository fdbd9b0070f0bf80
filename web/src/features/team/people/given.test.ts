import { expect, it } from 'vitest'
import { givenWords } from './given'

const grant = (init: object) => ({ id: '1', permissions: [], role: null, roleTitle: null, object: { kind: 'tenant' }, ...init })

it('tells what holds everywhere first, and where the rest holds', () => {
  expect(
    givenWords([
      grant({ role: 'developer', roleTitle: 'Developer', object: { kind: 'app', id: 'a', name: 'shop' } }),
      grant({ permissions: ['app:view', 'node:view'] }),
      grant({ role: 'viewer', roleTitle: 'Viewer' }),
      grant({ permissions: ['app:deploy'], object: { kind: 'node', id: 'n', name: 'fra-1' } }),
    ]),
  ).toEqual(['2 permissions', 'Viewer', 'Developer at App shop', 'app:deploy at Node fra-1'])
})

it('tells a role without a title by its name', () => expect(givenWords([grant({ role: 'r-1' })])).toEqual(['r-1']))
