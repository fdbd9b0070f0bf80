import { describe, expect, it } from 'vitest'
import { follow, isCounted, isGone, isUndoable, refusalOf, type Effect, type Event, type Move } from './move'

const APPROVE: Event = { is: 'begun', deferred: false, until: 5_000 }
const REJECT: Event = { is: 'begun', deferred: true, until: 5_000 }

/** Where a card is after all of it, and what had to be done on the way. */
function play(...events: Event[]): { phase: string; effects: Effect[] } {
  let move: Move | null = null
  const effects: Effect[] = []
  for (const event of events) {
    const next = follow(move, event)
    move = next.move
    if (next.effect) effects.push(next.effect)
  }
  return { phase: move?.phase ?? 'on the stack', effects }
}

describe('a card', () => {
  it.each<[string, Event[], string, Effect[]]>([
    ['is sent at once when approved', [APPROVE], 'asking', ['send']],
    ['can be taken back while it is held', [APPROVE, { is: 'answered', until: 5_100 }], 'held', ['send']],
    ['is over when the hold is', [APPROVE, { is: 'answered', until: 5_100 }, { is: 'over' }], 'done', ['send']],
    ['comes back when taken back', [APPROVE, { is: 'answered', until: 5_100 }, { is: 'undone' }, { is: 'takenBack' }], 'on the stack', ['send', 'takeBack']],
    ['stays away when it was too late', [APPROVE, { is: 'answered', until: 5_100 }, { is: 'undone' }, { is: 'kept' }], 'done', ['send', 'takeBack']],
    ['is taken back as soon as the answer is there', [APPROVE, { is: 'undone' }, { is: 'answered', until: 5_100 }], 'takingBack', ['send', 'takeBack']],
    ['cannot be taken back where it is not held', [APPROVE, { is: 'undone' }, { is: 'answered', until: null }], 'done', ['send']],
    ['comes back when refused', [APPROVE, { is: 'refused', gone: false }], 'on the stack', ['send']],
    ['comes back when refused, also where it was undone', [APPROVE, { is: 'undone' }, { is: 'refused', gone: false }], 'on the stack', ['send']],
    ['stays away when somebody was faster', [APPROVE, { is: 'refused', gone: true }], 'done', ['send']],
    ['is not sent while a rejection can be undone', [REJECT], 'waits', []],
    ['is never sent when a rejection was undone', [REJECT, { is: 'undone' }, { is: 'over' }], 'on the stack', []],
    ['is sent once when the time is over', [REJECT, { is: 'over' }, { is: 'over' }], 'asking', ['send']],
    ['is sent once when the page goes away and comes back', [REJECT, { is: 'over' }, { is: 'answered', until: null }, { is: 'over' }], 'done', ['send']],
    ['is decided once', [APPROVE, APPROVE, REJECT], 'asking', ['send']],
    ['is not bothered by what comes late', [{ is: 'over' }, { is: 'undone' }, { is: 'answered', until: 1 }, { is: 'takenBack' }], 'on the stack', []],
  ])('%s', (_name, events, phase, effects) => expect(play(...events)).toEqual({ phase, effects }))

  it('is either on the stack or decided, whatever comes in whatever order', () => {
    const events: Event[] = [APPROVE, REJECT, { is: 'over' }, { is: 'answered', until: 9 }, { is: 'answered', until: null }, { is: 'refused', gone: false }, { is: 'refused', gone: true }, { is: 'undone' }, { is: 'takenBack' }, { is: 'kept' }]
    const walk = (move: Move | null, sent: number, depth: number): void => {
      // Sent and not answered at most once at a time; what waits was never sent.
      expect(sent).toBeLessThanOrEqual(1)
      if (move?.phase === 'waits') expect(sent).toBe(0)
      if (depth === 0) return
      for (const event of events) {
        if ((event.is === 'answered' || event.is === 'refused') && sent === 0) continue
        const next = follow(move, event)
        const answered = sent > 0 && (event.is === 'answered' || event.is === 'refused') ? 1 : 0
        walk(next.move, sent - answered + (next.effect === 'send' ? 1 : 0), depth - 1)
      }
    }
    walk(null, 0, 5)
  })
})

it('counts what the control plane still counts', () => {
  const at = (phase: Move['phase']): Move => ({ phase, until: 1, unwanted: false })
  expect((['waits', 'asking', 'held', 'takingBack', 'done'] as const).filter((phase) => isCounted(at(phase)))).toEqual(['waits', 'asking'])
  expect((['waits', 'asking', 'held', 'takingBack', 'done'] as const).filter((phase) => isUndoable(at(phase)))).toEqual(['waits', 'asking', 'held'])
  expect(isUndoable({ ...at('asking'), unwanted: true })).toBe(false)
  // A rejection whose time is over is on its way for good.
  expect(isUndoable(follow(at('waits'), { is: 'over' }).move!)).toBe(false)
})

it.each([
  ['approval.decided', 'faster', true],
  ['review.over', 'faster', true],
  ['approval.expired', 'expired', true],
  ['approval.moved', 'moved', false],
  ['approval.own', 'notYou', false],
  ['approval.not_named', 'notYou', false],
  ['approval.again', 'notYou', false],
  ['network.away', 'failed', false],
])('%s means %s', (code, refusal, gone) => {
  expect(refusalOf(code)).toBe(refusal)
  expect(isGone(refusalOf(code))).toBe(gone)
})
