import { expect, it } from 'vitest'
import { topicsOf } from './socket'

const at = '2026-01-01T00:00:00.000Z'

it('an event told by the closest topic is heard by all it belongs to', () => {
  const data = { id: 'r', appId: 'a', nodeId: null }
  expect([...topicsOf({ event: 'run.update', topic: 'run:r', at, data })]).toEqual(['run:r', 'runs', 'app:a'])
  expect([...topicsOf({ event: 'workflow.progress.update', topic: 'workflows', at, data: { runId: 'r', workflowId: 'w' } })]).toEqual(['workflows', 'run:r'])
  expect([...topicsOf({ event: 'node.status.update', topic: 'node:n', at, data: { id: 'n' } })]).toEqual(['node:n', 'nodes'])
  expect([...topicsOf({ event: 'log.line', topic: 'logs:run:r', at, data: {} })]).toEqual(['logs:run:r'])
})
