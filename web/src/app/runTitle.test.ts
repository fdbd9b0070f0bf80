import { expect, it } from 'vitest'
import { runPath, runTitle } from './runTitle'

it.each([
  ['workflow.run', '/workflows/runs/r'],
  ['workflow.fork', '/workflows/runs/r'],
  ['workflow.update', '/runs/r'],
  ['app.deploy', '/runs/r'],
])('%s is looked at under %s', (action, path) => expect(runPath({ id: 'r', action })).toBe(path))

it.each([
  [{ action: 'app.deploy', title: 'Deploy an app' }, 'shop', 'Deploy shop'],
  [{ action: 'app.deploy', title: 'Deploy an app' }, undefined, 'Deploy an app'],
  [{ action: 'workflow.run', title: 'Run a workflow', workflowName: 'nightly' }, undefined, 'Run nightly'],
  [{ action: 'workflow.fork', title: 'Run a workflow again from a step', workflowName: 'nightly' }, undefined, 'Run nightly again'],
  [{ action: 'workflow.update', title: 'Change a workflow', workflowName: 'nightly' }, undefined, 'Change a workflow: nightly'],
])('%o is called by what it is about', (run, app, title) => expect(runTitle(run, app)).toBe(title))
