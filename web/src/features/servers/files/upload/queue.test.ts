import { describe, expect, it } from 'vitest'
import { after, AT_ONCE, delayOf, due, FIRST_PIECE, ITEMS_MAX, MOST_PIECE, nextTick, pieceAfter, progress, TRIES_MAX, type Happening, type Queue } from './queue'

const add = (...paths: string[]): Happening => ({ kind: 'added', items: paths.map((path) => ({ key: path, path, bytes: 10, overwrite: false })) })
const run = (...all: Happening[]): Queue => all.reduce<Queue>(after, [])
const phases = (queue: Queue): string => queue.map(({ key, phase }) => `${key}:${phase}`).join(' ')
const opening = (key: string): Happening => ({ kind: 'opening', key })
const opened = (key: string, offset = 0): Happening => ({ kind: 'opened', key, upload: `u-${key}`, offset })

describe('turns', () => {
  it('some at once, the others after them, in their order', () => {
    let queue = run(add('a', 'b', 'c', 'd'))
    expect(due(queue).map(({ key }) => key)).toEqual(['a', 'b'].slice(0, AT_ONCE))
    queue = after(after(queue, opening('a')), opening('b'))
    expect(due(queue)).toEqual([])
    queue = after(after(queue, opened('a')), { kind: 'finished', key: 'a' })
    expect(due(queue).map(({ key }) => key)).toEqual(['c'])
  })
  it('what is under way to a place is not begun again, what is over is', () => {
    expect(run(add('a'), add('a')).length).toBe(1)
    expect(run(add('a'), opening('a'), { kind: 'failed', key: 'a', why: 'x' }, { kind: 'added', items: [{ key: 'a2', path: 'a', bytes: 1, overwrite: true }] }).length).toBe(2)
  })
  it('a queue has an end', () => expect(run(add(...Array.from({ length: ITEMS_MAX + 5 }, (_, at) => `f${at}`))).length).toBe(ITEMS_MAX))
  it('what is held takes no turn from others', () => {
    const queue = run(add('a', 'b', 'c'), opening('a'), { kind: 'held', key: 'a', upload: 'u' }, opening('b'))
    expect(due(queue).map(({ key }) => key)).toEqual(['c'])
  })
})

describe('a lost link', () => {
  const begun = run(add('a'), opening('a'), opened('a'), { kind: 'sent', key: 'a', offset: 4 })
  it('is tried again by itself, later each time, and keeps what is there', () => {
    let queue = after(begun, { kind: 'lost', key: 'a', at: 1_000 })
    expect([phases(queue), queue[0]!.offset, nextTick(queue)]).toEqual(['a:lost', 4, 1_000 + delayOf(1)])
    expect(after(queue, { kind: 'tick', at: 1_500 })).toBe(queue)
    queue = after(queue, { kind: 'tick', at: 1_000 + delayOf(1) })
    expect([phases(queue), nextTick(queue)]).toEqual(['a:waiting', null])
    // It has an upload already: it is not ordered a second time.
    queue = after(queue, opening('a'))
    expect(phases(queue)).toBe('a:sending')
    queue = after(queue, { kind: 'lost', key: 'a', at: 9_000 })
    expect(queue[0]!.retryAt).toBe(9_000 + delayOf(2))
  })
  it('waits no longer than a minute, and in the end for the person', () => {
    expect([delayOf(1), delayOf(2), delayOf(40)]).toEqual([1_000, 2_000, 60_000])
    let queue: Queue = begun
    for (let tries = 0; tries <= TRIES_MAX; tries++) queue = after(queue, { kind: 'lost', key: 'a', at: 0 })
    expect(phases(queue)).toBe('a:paused')
  })
  it('is forgotten by the next byte that arrives', () => {
    const queue = after(after(begun, { kind: 'lost', key: 'a', at: 0 }), { kind: 'sent', key: 'a', offset: 5 })
    expect(queue[0]!.tries).toBe(0)
  })
})

describe('by hand', () => {
  const sending = run(add('a'), opening('a'), opened('a'))
  it('paused and gone on with', () => {
    const paused = after(sending, { kind: 'pause', key: 'a' })
    expect(phases(paused)).toBe('a:paused')
    // What was under way then changes nothing of it.
    expect(phases(after(paused, { kind: 'lost', key: 'a', at: 0 }))).toBe('a:paused')
    expect(phases(after(paused, opened('a', 7)))).toBe('a:paused')
    expect(phases(after(paused, { kind: 'finishing', key: 'a' }))).toBe('a:paused')
    expect(phases(after(paused, { kind: 'resume', key: 'a' }))).toBe('a:waiting')
  })
  it('paused while it was being ordered: the order counts', () => {
    const queue = run(add('a'), opening('a'), { kind: 'pause', key: 'a' }, opened('a', 3))
    expect([phases(queue), queue[0]!.upload, queue[0]!.offset]).toEqual(['a:paused', 'u-a', 3])
  })
  it('one that is being put in its place cannot be paused', () => expect(phases(after(after(sending, { kind: 'finishing', key: 'a' }), { kind: 'pause', key: 'a' }))).toBe('a:finishing'))
  it('one that failed is tried again, one that is done is not', () => {
    expect(phases(after(after(sending, { kind: 'failed', key: 'a', why: 'full' }), { kind: 'resume', key: 'a' }))).toBe('a:waiting')
    expect(phases(after(after(sending, { kind: 'finished', key: 'a' }), { kind: 'resume', key: 'a' }))).toBe('a:done')
  })
  it('dropped', () => expect(after(sending, { kind: 'dropped', key: 'a' })).toEqual([]))
})

describe('after a reload', () => {
  const known: Happening = { kind: 'known', items: [{ upload: 'u1', path: 'mods/a.jar', bytes: 10, offset: 6, overwrite: false }] }
  it('asks for the file again and goes on where it was', () => {
    const queue = run(known)
    expect([phases(queue), due(queue).length]).toEqual(['u1:fileless', 0])
    const attached = after(queue, { kind: 'attached', key: 'u1', bytes: 10 })
    expect([phases(attached), attached[0]!.offset]).toEqual(['u1:waiting', 6])
  })
  it('takes no other file for it', () => {
    const queue = after(run(known), { kind: 'attached', key: 'u1', bytes: 11 })
    expect([phases(queue), queue[0]!.why]).toEqual(['u1:fileless', 'size'])
  })
  it('what this page has begun itself is not there twice', () => {
    const queue = run(add('a'), opening('a'), { kind: 'opened', key: 'a', upload: 'u1', offset: 0 }, known)
    expect(queue.length).toBe(1)
  })
})

it('never says more than there is', () => {
  const queue = run(add('a', 'b'), opening('a'), opened('a'), { kind: 'sent', key: 'a', offset: 99 }, opening('b'), { kind: 'failed', key: 'b', why: 'x' }, { kind: 'sent', key: 'b', offset: 5 })
  expect(progress(queue)).toEqual({ bytes: 10, of: 20, open: 1, done: 0, failed: 1 })
})

it.each([
  [FIRST_PIECE, 1_000, FIRST_PIECE * 2],
  [FIRST_PIECE, 8_000, FIRST_PIECE / 2],
  [FIRST_PIECE, 1_000_000, 256 * 1024],
  [MOST_PIECE, 1, MOST_PIECE],
  [FIRST_PIECE, 0, FIRST_PIECE * 2],
])('after %i bytes in %i ms come %i', (bytes, ms, expected) => expect(pieceAfter(bytes, ms)).toBe(expected))
