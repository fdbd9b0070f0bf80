import { computed, h, markRaw, ref, shallowReactive } from 'vue'
import { serverNow } from '@/api/clock'
import { asProblem } from '@/api/problem'
import { keys } from '@/api/keys'
import { failure } from '@/app/failure'
import { leaving } from '@/app/inboxCount'
import { queryClient } from '@/app/queries'
import { text } from '@/locales/en/deciding/inbox'
import { dismiss, note } from '@/ui/notice/notices'
import { drop, freshen, look, recount } from './cache'
import type { Deed } from './deeds'
import { follow, isCounted, isGone, isUndoable, refusalOf, type Event, type Move } from './move'
import UndoBar from './UndoBar.vue'

/** What can be undone here can be for so long. */
export const UNDO_MS = 5_000
/** A list that was asked for before the decision may come after it; for so long its word does not count. */
const ECHO_MS = 10_000

interface Entry {
  deed: Deed
  move: Move
  timer?: ReturnType<typeof setTimeout>
  notice?: number
}

// It lives as long as the page does: what was decided is carried through, wherever somebody goes meanwhile.
const entries = shallowReactive(new Map<string, Entry>())

/** Cards that are off the stack: decided here, or being. */
export const offStack = computed(() => new Set(entries.keys()))
/** The run whose card came back, so that it is shown. */
export const cameBack = ref<{ id: string; runId: string | null } | null>(null)
/** Something can be undone. */
export const canUndo = computed(() => [...entries.values()].some(({ move }) => isUndoable(move)))

/** Does it: the card leaves at once. Nothing where something is being done with it already. */
export function act(deed: Deed): void {
  const { id } = deed.card
  if (entries.has(id)) return
  const until = serverNow() + UNDO_MS
  const begun = follow(null, { is: 'begun', deferred: deed.deferred, until })
  keep(id, { deed, move: begun.move! })
  offer(id)
  if (begun.effect === 'send') void send(id, false)
}

/** Undoes one, or the last that can be. */
export function undo(id = [...entries].findLast(([, { move }]) => isUndoable(move))?.[0]): void {
  if (id) tell(id, { is: 'undone' })
}

function tell(id: string, event: Event, away = false): void {
  const entry = entries.get(id)
  if (!entry) return
  const { move, effect } = follow(entry.move, event)
  clearTimeout(entry.timer)
  const isBack = move === null
  if (isBack || !isUndoable(move)) withdraw(entry)
  if (isBack) {
    cameBack.value = { id, runId: entry.deed.card.runId ?? null }
    forget(id)
  } else keep(id, { ...entry, move })
  if (effect === 'send') void send(id, away)
  if (effect === 'takeBack') void takeBack(id)
}

function keep(id: string, entry: Entry): void {
  const { phase, until } = entry.move
  if (phase === 'waits' || phase === 'held') entry.timer = setTimeout(() => tell(id, { is: 'over' }), Math.max(0, (until ?? 0) - serverNow()))
  if (phase === 'done') entry.timer = setTimeout(() => settle(id), ECHO_MS)
  entries.set(id, entry)
  leaving.value = [...entries.values()].filter(({ move }) => isCounted(move)).length
  if (phase === 'done') recount()
}

function forget(id: string): void {
  clearTimeout(entries.get(id)?.timer)
  entries.delete(id)
  leaving.value = [...entries.values()].filter(({ move }) => isCounted(move)).length
  recount()
}

/** What is done is off the lists too. */
function settle(id: string): void {
  drop(id)
  forget(id)
}

async function send(id: string, away: boolean): Promise<void> {
  const { deed } = entries.get(id)!
  try {
    const { until, note: said } = await deed.send(away)
    if (said) note({ tone: 'info', title: said, fix: deed.said })
    tell(id, { is: 'answered', until: deed.takeBack ? until : null })
    recount()
    void queryClient.invalidateQueries({ queryKey: [...keys.runs, 'list'] })
    if (deed.card.runId) void queryClient.invalidateQueries({ queryKey: keys.run(deed.card.runId) })
  } catch (error) {
    await refused(id, deed, error)
  }
}

async function refused(id: string, deed: Deed, error: unknown): Promise<void> {
  const problem = asProblem(error)
  const refusal = refusalOf(problem.code)
  const told = failure(error)
  note({ ...told, tone: isGone(refusal) ? 'info' : 'bad', fix: [text.refused[refusal]?.(deed.said), told.fix].filter(Boolean).join(' ') })
  // What it is now is read before the card is shown again, so that nobody decides twice on what is not true any more.
  if (refusal !== 'failed') await Promise.all([look(id), freshen()])
  tell(id, { is: 'refused', gone: isGone(refusal) })
}

async function takeBack(id: string): Promise<void> {
  const { deed } = entries.get(id)!
  try {
    await deed.takeBack?.()
    // A run that waits again is put before people by a card of its own.
    await Promise.all([look(id), freshen()])
    tell(id, { is: 'takenBack' })
  } catch (error) {
    note({ tone: 'bad', ...failure(error), title: text.kept(deed.said) })
    tell(id, { is: 'kept' })
  }
}

function offer(id: string): void {
  const entry = entries.get(id)!
  const bar = markRaw(() => h(UndoBar, { until: entries.get(id)?.move.until ?? 0, onUndo: () => undo(id) }))
  entry.notice = note({ tone: 'info', title: entry.deed.said, more: bar }, 'kept')
}

function withdraw(entry: Entry): void {
  if (entry.notice !== undefined) dismiss(entry.notice)
}

/** What waits is sent now: the page goes away, and a decision is not lost with it. */
function flush(): void {
  for (const id of [...entries.keys()]) if (entries.get(id)?.move.phase === 'waits') tell(id, { is: 'over' }, true)
}
addEventListener('pagehide', flush)
document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && flush())

/** An event told of a card: what is gone elsewhere is gone here; what is open again is shown again. */
export function heard({ id, state }: { id?: string | null; state?: string }): void {
  if (!id) return void freshen()
  const here = entries.get(id)
  if (state === 'open' || state === 'escalated') {
    if (here?.move.phase === 'done') forget(id)
    void look(id).then(freshen)
  } else if (!here) {
    drop(id)
    void queryClient.invalidateQueries({ queryKey: keys.inboxCard(id) })
  }
}
