import { expect, it } from 'vitest'
import { fresh, isReady, of, toAdd, toChange, type Draft } from './draft'
import type { Channel } from './useChannels'

const draft = (change: Partial<Draft>): Draft => ({ ...fresh(['approval']), name: ' Ops ', ...change })

it.each([
  [draft({}), 'own', { kind: 'mail' }],
  [draft({ to: ' ops@example.org ' }), 'team', { kind: 'mail', to: 'ops@example.org' }],
  [draft({ kind: 'slack', url: ' https://a.example.org ' }), 'own', { kind: 'slack', url: 'https://a.example.org' }],
  [draft({ kind: 'ntfy', url: 'https://ntfy.sh', topic: 'ops' }), 'own', { kind: 'ntfy', url: 'https://ntfy.sh', topic: 'ops' }],
  [draft({ kind: 'ntfy', url: 'https://ntfy.sh', topic: 'ops', token: 'tk' }), 'own', { kind: 'ntfy', url: 'https://ntfy.sh', topic: 'ops', token: 'tk' }],
] as const)('%o of %s goes to %o', (typed, whose, target) => {
  expect(isReady(typed, whose, false)).toBe(true)
  expect(toAdd(typed, whose)).toEqual({ name: 'Ops', target, kinds: ['approval'] })
})

it.each([
  [draft({ name: ' ' }), 'own'],
  [draft({ kinds: [] }), 'own'],
  [draft({ projects: [] }), 'own'],
  [draft({}), 'team'],
  [draft({ kind: 'slack' }), 'own'],
  [draft({ kind: 'ntfy', url: 'https://ntfy.sh' }), 'own'],
] as const)('%o of %s is not ready', (typed, whose) => expect(isReady(typed, whose, false)).toBe(false))

it('keeps an address that nobody typed', () => {
  const channel = { kind: 'slack', name: 'Ops', kinds: ['failed'], projects: ['p'], enabled: false } as unknown as Channel
  const typed = of(channel)
  expect(isReady(typed, 'own', true)).toBe(true)
  expect(toChange(typed, 'own')).toEqual({ name: 'Ops', kinds: ['failed'], enabled: false, projects: ['p'] })
  expect(toChange({ ...typed, url: 'https://b.example.org', projects: null }, 'own')).toEqual({
    name: 'Ops', kinds: ['failed'], enabled: false, allProjects: true, target: { kind: 'slack', url: 'https://b.example.org' },
  })
})
