/** What was done with a card, from the moment it left the stack until the control plane and the screen agree again. */
export interface Move {
  /** `waits`: not sent yet, so that it can be undone; `asking`: sent; `held`: done, and can be taken back. */
  phase: 'waits' | 'asking' | 'held' | 'takingBack' | 'done'
  /** When the time to undo is over, milliseconds; null where there is none. */
  until: number | null
  /** Undone while the answer was still on its way. */
  unwanted: boolean
}

export type Event =
  /** `deferred`: it ends something, so it is sent when it cannot be undone any more. */
  | { is: 'begun'; deferred: boolean; until: number }
  /** The time to undo is over, or the page goes away. */
  | { is: 'over' }
  /** The control plane did it; it can be taken back until then. */
  | { is: 'answered'; until: number | null }
  /** It did not. `gone`: the card is over nevertheless, since somebody else was faster. */
  | { is: 'refused'; gone: boolean }
  | { is: 'undone' }
  | { is: 'takenBack' }
  /** Too late. */
  | { is: 'kept' }

export type Effect = 'send' | 'takeBack'

/** What follows; a move that is null has its card on the stack. An event that means nothing now changes nothing. */
export function follow(move: Move | null, event: Event): { move: Move | null; effect?: Effect } {
  if (event.is === 'begun') {
    if (move) return { move }
    const begun: Move = { phase: event.deferred ? 'waits' : 'asking', until: event.until, unwanted: false }
    return event.deferred ? { move: begun } : { move: begun, effect: 'send' }
  }
  if (!move) return { move }
  switch (`${move.phase} ${event.is}`) {
    case 'waits over':
      return { move: { ...move, phase: 'asking', until: null }, effect: 'send' }
    case 'waits undone':
      return { move: null }
    case 'asking undone':
      return { move: { ...move, unwanted: true } }
    case 'asking answered': {
      const { until } = event as Extract<Event, { is: 'answered' }>
      if (until === null) return { move: { ...move, phase: 'done', until: null } }
      return move.unwanted ? { move: { ...move, phase: 'takingBack', until }, effect: 'takeBack' } : { move: { ...move, phase: 'held', until } }
    }
    case 'asking refused':
      return { move: (event as Extract<Event, { is: 'refused' }>).gone ? { ...move, phase: 'done', until: null } : null }
    case 'held undone':
      return { move: { ...move, phase: 'takingBack' }, effect: 'takeBack' }
    case 'held over':
      return { move: { ...move, phase: 'done', until: null } }
    case 'takingBack takenBack':
      return { move: null }
    case 'takingBack kept':
      return { move: { ...move, phase: 'done', until: null } }
    default:
      return { move }
  }
}

/** The stack does not show it, but the control plane still counts it. */
export const isCounted = ({ phase }: Move): boolean => phase === 'waits' || phase === 'asking'

/** It can be undone. */
export const isUndoable = ({ phase, until, unwanted }: Move): boolean =>
  phase === 'waits' || phase === 'held' || (phase === 'asking' && until !== null && !unwanted)

/** What a refusal means for the card. */
export type Refusal = 'faster' | 'moved' | 'expired' | 'notYou' | 'failed'

const REFUSALS: Record<string, Refusal> = {
  'approval.decided': 'faster',
  'review.over': 'faster',
  'approval.moved': 'moved',
  'run.not_now': 'moved',
  'approval.expired': 'expired',
  'approval.own': 'notYou',
  'approval.not_named': 'notYou',
  'approval.again': 'notYou',
}

export const refusalOf = (code: string): Refusal => REFUSALS[code] ?? 'failed'

/** After these there is nothing left to decide. */
export const isGone = (refusal: Refusal): boolean => refusal === 'faster' || refusal === 'expired'
