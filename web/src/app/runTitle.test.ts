import { expect, it } from 'vitest'
import { runPath } from './runTitle'

it.each([
  ['workflow.run', '/workflows/runs/r'],
  ['workflow.fork', '/workflows/runs/r'],
  ['workflow.update', '/runs/r'],
  ['app.deploy', '/runs/r'],
])('%s is looked at under %s', (action, path) => expect(runPath({ id: 'r', action })).toBe(path))
