import { expect, it } from 'vitest'
import { text } from '@/locales/en/panel/servers'
import { held } from './held'

const base = { state: 'stopped', install: 'installed', suspended: false, unknownSince: null }
const { isUp, isDown, suspended, notInstalled } = text.power

it.each([
  [{}, [null, isDown, isDown, isDown]],
  [{ state: 'running' }, [isUp, null, null, null]],
  [{ state: 'stopping' }, [isUp, null, null, null]],
  [{ state: 'error' }, [null, isDown, null, null]],
  [{ install: 'missing' }, [notInstalled, notInstalled, isDown, isDown]],
  [{ suspended: true }, [suspended, suspended, isDown, isDown]],
  [{ suspended: true, unknownSince: '2026-01-01T00:00:00Z' }, [null, null, null, null]],
])('%j', (change, expected) => {
  expect((['start', 'restart', 'stop', 'kill'] as const).map((verb) => held({ ...base, ...change }, verb))).toEqual(expected)
})
