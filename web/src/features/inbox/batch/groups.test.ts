import { expect, it } from 'vitest'
import type { Card } from '../desk/stack'
import { groups, MAX_BATCH } from './groups'

let next = 0
const card = (more: Partial<Card> = {}): Card =>
  ({ id: `${next++}`, kind: 'approval', action: 'app.deploy', title: 'Deploy an app', runId: `r${next}`, hash: 'h', because: '', dangerous: false, pressing: false, at: '', proposer: { kind: 'ai', userId: 'kim', name: 'Kim' }, ...more }) as Card
const told = (cards: Card[]) => groups(cards).map(({ title, cards, dangerous }) => [title, cards.length, dangerous])

it('never takes a dangerous one in, and says how many were left out', () => {
  const cards = [card(), card({ dangerous: true }), card()]
  expect(told(cards)).toEqual([['Deploy an app', 2, 1]])
  expect(groups(cards)[0]!.cards.some(({ dangerous }) => dangerous)).toBe(false)
})

it('makes none of dangerous ones, of one alone, or of what is no decision', () => {
  expect(told([card({ dangerous: true }), card({ dangerous: true }), card()])).toEqual([])
  expect(told([card({ kind: 'failed' }), card({ kind: 'failed' }), card({ hash: null }), card({ hash: null })])).toEqual([])
})

it('sets actions and proposers apart', () => {
  const other = { kind: 'ai', userId: 'lee', name: 'Lee' } as Card['proposer']
  const agent = (agentId: string) => card({ proposer: { kind: 'ai', userId: 'kim', name: 'Kim', agentId, agentName: agentId } as Card['proposer'] })
  expect(groups([agent('bot'), agent('other'), agent('bot'), agent('other'), agent('bot')]).map(({ proposer, cards }) => [proposer, cards.length])).toEqual([['bot', 3], ['other', 2]])
  expect(told([card(), card({ proposer: other }), card(), card({ proposer: other }), card({ title: 'Restart an app', action: 'app.restart' }), card()])).toEqual([['Deploy an app', 3, 0], ['Deploy an app', 2, 0]])
})

it('holds no more than the control plane takes', () => {
  expect(groups(Array.from({ length: 80 }, () => card()))[0]!.cards.length).toBe(MAX_BATCH)
})
