import { describe, expect, it } from 'vitest'
import { cpuShare, gapOf, merged, ranges, ratesOf, sampleOf, type Sample, mostOf, spreadOf } from './samples'

const at = (seconds: number, netReceived = 0): Sample => ({ at: new Date(seconds * 1_000).toISOString(), netReceived }) as Sample
const seconds = (samples: Sample[]): number[] => samples.map((sample) => Date.parse(sample.at) / 1_000)

describe('merged', () => {
  it('appends what is newer than what was read', () => expect(seconds(merged([at(1), at(2)], [at(2), at(3)], 0))).toEqual([1, 2, 3]))
  it('drops what left the window', () => expect(seconds(merged([at(1), at(2)], [at(3)], 2_000))).toEqual([2, 3]))
  it('begins with what comes alone', () => expect(seconds(merged([], [at(3)], 0))).toEqual([3]))
})

describe('ratesOf', () => {
  it('is bytes by time', () => expect(ratesOf([at(0, 9), at(2, 100), at(3, 100)], 'netReceived', 60_000)).toEqual([null, 50, 100]))
  it('says nothing over a gap', () => expect(ratesOf([at(0), at(100, 100)], 'netReceived', 60_000)).toEqual([null, null]))
  it('says nothing of two samples of one moment', () => expect(ratesOf([at(1), at(1, 5)], 'netReceived', 60_000)).toEqual([null, null]))
})

describe('gapOf', () => {
  it('is three samples of an unwatched node', () => expect(gapOf(ranges['15m'])).toBe(90_000))
  it('is three points of a long range', () => expect(gapOf(ranges['24h'])).toBe(900_000))
})

describe('cpuShare', () => {
  const reading = (pid: number, cpuMs: number, readAt: number) => ({ pid, cpuMs, readAt })
  it('is thousandths of a core', () => expect(cpuShare(reading(1, 100, 0), reading(1, 600, 1_000))).toBe(500))
  it('is unknown at first', () => expect(cpuShare(undefined, reading(1, 1, 1))).toBeNull())
  it('is unknown for a new process', () => expect(cpuShare(reading(1, 100, 0), reading(2, 5, 1_000))).toBeNull())
})

it('an event is a sample with its time', () => {
  const time = '1970-01-01T00:00:01.000Z'
  expect(sampleOf({ nodeId: 'n', at: time, node: { cpuPermille: 7 } as Sample })).toEqual({ at: time, cpuPermille: 7 })
})

it('tells what a mean hides, and nothing where every point is one sample', () => {
  const point = (samples: number): Sample => ({ cpuPermille: 50, within: { samples, cpuPermille: { low: 10, high: 900 }, netReceivedMost: 700 } }) as Sample
  expect(spreadOf([point(1), point(1)], 'cpuPermille')).toEqual({})
  const live = { cpuPermille: 60 } as Sample
  expect(spreadOf([point(120), live], 'cpuPermille')).toEqual({ low: [10, 60], high: [900, 60] })
  expect(mostOf([point(120), point(120)], [null, 40], 'netReceivedMost')).toEqual({ low: [null, 40], high: [null, 700] })
})
