import { describe, expect, it } from 'vitest'
import { deedOf, enrolledBy, folded, isOfTrust, outcomeTone, whoOf } from './activity'

it('knows the deeds of nodes, and names others as they are', () => {
  expect(deedOf({ action: 'node.enrol' })).toBe('Enrolled with a one-time token')
  expect(deedOf({ action: 'node.dance' })).toBe('node.dance')
})

describe('whoOf', () => {
  it('says you', () => expect(whoOf({ actorKind: 'person', actorRef: 'a' }, 'a')).toBe('You'))
  it('tells a token of yours from yourself', () => expect(whoOf({ actorKind: 'token', actorRef: 'a' }, 'a')).toBe('A token of yours'))
  it('does not take somebody for you before you are known', () => expect(whoOf({ actorKind: 'person', actorRef: 'a' }, undefined)).toBe('A person'))
})

describe('enrolledBy', () => {
  it('is told by the line', () => expect(enrolledBy([{ action: 'node.rename' }, { action: 'node.enrol' }], true)).toBe('token'))
  it('is not guessed from a part of the lines', () => expect(enrolledBy([{ action: 'node.rename' }], false)).toBeNull())
  it('is the other way where all lines are known', () => expect(enrolledBy([], true)).toBe('code'))
})

it('a copied key is bad news', () => expect(outcomeTone({ outcome: 'cloned_key' })).toBe('bad'))

describe('folded', () => {
  const line = (outcome: string, runId: string | null) => ({ outcome, runId, action: 'node.unlock' })
  it('leaves out the asking where the outcome is told', () =>
    expect(folded([line('succeeded', 'r'), line('proposed', 'r')])).toEqual([line('succeeded', 'r')]))
  it('keeps the asking nobody answered yet', () => expect(folded([line('proposed', 'r'), line('succeeded', 's')])).toHaveLength(2))
  it('keeps what belongs to no run', () => expect(folded([line('proposed', null)])).toHaveLength(1))
})

it('a new name is no matter of trust', () => {
  expect(isOfTrust({ action: 'node.rename' })).toBe(false)
  expect(isOfTrust({ action: 'node.locked' })).toBe(true)
})
