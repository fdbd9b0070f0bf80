import { expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { sentence, type Names } from './sentence'

const names: Names = {
  me: 'u1',
  people: new Map([['u2', 'eva@example.org']]),
  apps: new Map([['a1', 'shop']]),
  nodes: new Map([['n1', 'fra-1']]),
}
const told = (line: Partial<Schemas['Activity']>): string => {
  const { who, did, what } = sentence(
    { actorKind: 'person', actorRef: 'u1', action: 'app.deploy', targetKind: 'app', targetId: 'a1', outcome: 'succeeded', runId: null, ...line } as Schemas['Activity'],
    names,
  )
  return [who, did, what].filter(Boolean).join(' ')
}

it.each<[Partial<Schemas['Activity']>, string]>([
  [{}, 'You deployed shop'],
  [{ outcome: 'proposed' }, 'You asked to deploy shop'],
  [{ outcome: 'rolledBack' }, 'You tried to deploy shop'],
  [{ outcome: 'denied', actorKind: 'ai', actorRef: 'u2' }, 'AI for eva@example.org was refused to deploy shop'],
  [{ actorKind: 'token', actorRef: 'u2', action: 'app.delete', targetId: 'x-123456' }, 'eva@example.org, by token deleted app 123456'],
  [{ action: 'app.create', targetKind: 'tenant', targetId: 't' }, 'You created an app'],
  [{ action: 'app.restart', actorKind: 'workflow', actorRef: 'r1', actorName: 'nightly' }, 'The workflow nightly restarted shop'],
  [{ action: 'app.restart', actorKind: 'workflow', actorRef: 'r1' }, 'A workflow restarted shop'],
  [{ action: 'workflow.run', actorKind: 'trigger', actorRef: 't1', actorName: 'nightly', targetKind: 'workflow', targetId: 'w1', targetName: 'nightly' }, 'A trigger of the workflow nightly ran nightly'],
  [{ action: 'node.enrol', actorKind: 'node', actorRef: 'n1', targetKind: 'node', targetId: 'n1' }, 'fra-1 joined'],
  [{ action: 'session.open', targetKind: 'user', targetId: 'u1' }, 'You signed in'],
  [{ action: 'session.open', outcome: 'refused', actorRef: 'u9-999999', targetKind: 'user' }, 'Somebody (999999) was refused at sign-in'],
  [{ action: 'run.approve', targetKind: 'run', targetId: 'r-777777' }, 'You approved run 777777'],
  [{ action: 'user.suspend', targetKind: 'user', targetId: 'u3', targetName: 'Mallory', actorName: 'Ada', actorRef: 'u4' }, 'Ada suspended Mallory'],
  [{ action: 'secret.update', targetKind: 'secret', targetId: 's1', targetName: 'database-url', outcome: 'refused' }, 'You were refused to change the secret database-url'],
  [{ action: 'password.change', targetKind: 'user', targetId: 'u1' }, 'You changed the password'],
  [{ action: 'backup.make', targetKind: 'backup', targetId: 'b-000001', actorKind: 'system' }, 'ServerFlow backup.make backup 000001'],
])('%j', (line, expected) => expect(told(line)).toBe(expected))
