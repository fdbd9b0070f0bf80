import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { countdown, deviceLine, isLoopback, joinLine, newcomerOf } from './installLine'

const made = { token: 'sfe_abc', command: 'serverflow-agent enrol --url wss://a:7401 --token sfe_abc --root sha256:f' }
const node = (id: string, createdAt: string): Schemas['Node'] => ({ id, createdAt }) as Schemas['Node']

describe('lines', () => {
  it('enrol and start', () => expect(joinLine(made, 'terminal')).toBe(`${made.command} && serverflow-agent run`))
  it('ask for a code instead of a token', () =>
    expect(deviceLine(made, 'service')).toBe(
      'serverflow-agent enrol --url wss://a:7401 --device --root sha256:f && systemctl enable --now serverflow-agent',
    ))
  it('are not guessed', () => expect(deviceLine({ ...made, token: 'other' }, 'service')).toBeNull())
  it.each([
    ['wss://127.0.0.1:7401', true],
    ['wss://localhost:7401', true],
    ['wss://[::1]:7401', true],
    ['wss://[2001:db8::1]:7401', false],
    ['wss://plane.example.org:7401', false],
  ])('%s leads to this machine alone: %s', (url, expected) => expect(isLoopback({ command: `serverflow-agent enrol --url ${url} --root x` })).toBe(expected))
})

describe('newcomerOf', () => {
  const old = node('1', '2026-01-01T00:00:00Z')
  it('is nobody before the first reading', () => expect(newcomerOf(null, [old])).toBeNull())
  it('is nobody of those that were there', () => expect(newcomerOf([old], [old])).toBeNull())
  it('is the one that came', () => expect(newcomerOf([old], [node('2', '2026-01-02T00:00:00Z'), old])?.id).toBe('2'))
  it('is the first machine of all', () => expect(newcomerOf([], [old])?.id).toBe('1'))
  it('is no older one that moved up', () => expect(newcomerOf([old], [node('0', '2025-01-01T00:00:00Z')])).toBeNull())
})

describe('countdown', () => {
  it.each([
    [900_000, '15:00'],
    [61_000, '1:01'],
    [400, '0:01'],
    [0, null],
    [-5, null],
  ])('%i ms', (left, words) => expect(countdown(1_000_000 + left, 1_000_000)).toBe(words))
})
