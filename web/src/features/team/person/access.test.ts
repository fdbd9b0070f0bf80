import { expect, it } from 'vitest'
import { byCategory } from './access'

const row = (permission: string, allowed: boolean) => ({ permission, allowed, from: [] })
const categories = ['server', 'app'].map((name) => ({ name, title: name.toUpperCase(), panel: true, permissions: [] }))
const rows = [row('app:view', true), row('app:deploy', false), row('server:view', false), row('new:thing', false)]
const told = (shown: 'all' | 'yes' | 'no', q = '') => byCategory(rows, categories, shown, q).map(({ title, rows }) => `${title}: ${rows.map(({ permission }) => permission).join(' ')}`)

it('keeps the order of the panel and loses none that it does not know', () => {
  expect(told('all')).toEqual(['SERVER: server:view', 'APP: app:view app:deploy', 'new: new:thing'])
})

it('shows what is allowed, what is not, and what is looked for', () => {
  expect(told('yes')).toEqual(['APP: app:view'])
  expect(told('no', 'DEPLOY')).toEqual(['APP: app:deploy'])
  expect(told('yes', 'deploy')).toEqual([])
})
