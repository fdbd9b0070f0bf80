import { expect, it } from 'vitest'
import { matrix } from './permissions'

it('groups rights by category, with those that are missing', () => {
  const rows = matrix(['file:read', 'app:view', 'app:deploy'], [
    { permission: 'app:deploy', title: 'Deploy an app' },
    { permission: 'app:deploy', title: 'Roll an app back' },
    { permission: 'app:delete', title: 'Delete an app' },
  ])
  expect(rows.map(({ category }) => category)).toEqual(['app', 'file'])
  expect(rows[0]!.rights).toEqual([
    { name: 'app:view', verb: 'view', granted: true, actions: [] },
    { name: 'app:deploy', verb: 'deploy', granted: true, actions: ['Deploy an app', 'Roll an app back'] },
    { name: 'app:delete', verb: 'delete', granted: false, actions: ['Delete an app'] },
  ])
})
