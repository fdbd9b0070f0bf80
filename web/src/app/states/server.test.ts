import { expect, it } from 'vitest'
import { text as words } from '@/locales/en/panel/states'
import { lastKnown, serverState } from './server'

const base = { state: 'stopped', install: 'installed', suspended: false, unknownSince: null }

it.each([
  [{}, words.stopped, 'neutral'],
  [{ state: 'running' }, words.running, 'good'],
  [{ state: 'starting' }, words.starting, 'info'],
  [{ state: 'error' }, words.error, 'bad'],
  [{ install: 'missing' }, words.missing, 'neutral'],
  [{ install: 'installing' }, words.installing, 'info'],
  [{ install: 'failed' }, words.failed, 'bad'],
  [{ suspended: true }, words.suspended, 'warn'],
  // One that is being stopped for a suspension, or still runs from before an install that failed.
  [{ suspended: true, state: 'stopping' }, words.stopping, 'info'],
  [{ install: 'failed', state: 'running' }, words.running, 'good'],
  [{ state: 'dreaming' }, 'dreaming', 'neutral'],
])('%j is %s', (change, label, tone) => expect(serverState({ ...base, ...change })).toMatchObject({ label, tone }))

it('what a silent machine said before is not told as how things are', () => {
  const silent = { ...base, state: 'running', unknownSince: '2026-01-01T00:00:00Z' }
  expect(serverState(silent)).toMatchObject({ label: words.unknown, tone: 'warn' })
  expect(lastKnown(silent).label).toBe(words.running)
})
