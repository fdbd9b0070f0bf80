import { expect, it } from 'vitest'
import { fromLimits, toLimits } from './limits'

const MIB = 1_024 * 1_024

it.each([
  [{}],
  [{ memory: 512 * MIB, swap: 0, cpuPercent: 150, disk: 2_048 * MIB, pids: 64 }],
  [{ memory: 0.5 * MIB }],
])('%j survives the form', (limits) => expect(fromLimits(toLimits(limits))).toEqual({ limits, wrong: [] }))

it('nothing known is no limit', () => expect(fromLimits(toLimits(undefined)).limits).toEqual({}))

it.each(['many', '-1', '1e3', '0x10', '1.0000001'])('%j is no number of MiB', (memory) => expect(fromLimits({ ...toLimits({}), memory }).wrong).toEqual(['memory']))
it('half a process is none', () => expect(fromLimits({ ...toLimits({}), pids: '1.5' }).wrong).toEqual(['pids']))
