import { expect, it } from 'vitest'
import type { Card } from '../desk/stack'
import { stepOf, told } from './told'
import { pathOf, verbsOf } from './verbs'

const card = (more: Partial<Card>): Card => ({ id: 'c', kind: 'approval', action: 'app.deploy', title: 'Deploy an app', about: 'shop', runId: 'r', because: 'it is not sure enough', dangerous: false, pressing: false, at: '', ...more }) as Card
const question = card({ action: 'workflow.run', title: 'Step `agree` asks', about: 'check-up', because: 'Is it well?' })

it('asks the question first', () => {
  expect(told(question)).toMatchObject({ title: 'Is it well?', about: expect.stringContaining('agree') })
  expect(told(card({}))).toEqual({ title: 'Deploy an app', about: 'shop', why: 'it is not sure enough' })
  expect(told(card({ kind: 'failed', fault: { message: 'port in use' } as Card['fault'] })).why).toBe('port in use')
  expect([stepOf(question), stepOf(card({}))]).toEqual(['agree', null])
})

it.each([
  ['an action', card({}), '/runs/r'],
  ['a question', question, '/workflows/runs/r?step=agree'],
  ['a machine', card({ kind: 'alert', action: 'node.silent', nodeId: 'n', runId: null }), '/nodes/n'],
  ['an app that is down', card({ kind: 'alert', action: 'app.down', appId: 'a', nodeId: 'n', runId: null }), '/apps/a'],
  ["a server's schedule that goes wrong", card({ kind: 'alert', action: 'schedule.failing', serverId: 's', nodeId: 'n', runId: null }), '/servers/s/schedules'],
  ['a schedule that goes wrong', card({ kind: 'alert', action: 'schedule.failing', appId: 'a', nodeId: 'n', runId: null }), '/apps/a/schedules'],
  ['a server that crossed a line', card({ kind: 'alert', action: 'server.crossed', serverId: 's', nodeId: 'n', runId: null }), '/servers/s/monitoring'],
])('%s leads where it is told', (_name, of, path) => expect(pathOf(of)).toBe(path))

it.each([
  ['an action', card({}), ['approve', 'reject', 'edit', 'snooze']],
  ['what a step proposed', card({ proposer: { kind: 'workflow' } as Card['proposer'] }), ['approve', 'reject', 'snooze']],
  ['a question', question, ['approve', 'reject', 'snooze']],
  ['a review', card({ kind: 'review' }), ['right', 'wrong', 'snooze']],
  ['a failed deploy', card({ kind: 'failed', appId: 'a' }), ['open', 'away', 'retry', 'snooze']],
  ['another failure', card({ kind: 'failed', action: 'app.stop', appId: 'a' }), ['open', 'away', 'snooze']],
  ['a machine', card({ kind: 'alert', action: 'node.diskFull' }), ['node', 'away', 'snooze']],
  ['an app that is down', card({ kind: 'alert', action: 'app.down' }), ['app', 'away', 'snooze']],
  ['a server that crossed a line', card({ kind: 'alert', action: 'server.crossed', serverId: 's' }), ['server', 'away', 'snooze']],
])('what can be done with %s', (_name, of, answers) => {
  const { right, left, others } = verbsOf(of)
  expect([right, left, ...others].map(({ answer }) => answer)).toEqual(answers)
  // No key means two things.
  expect(new Set([right, left, ...others].map(({ key }) => key)).size).toBe(answers.length)
})
