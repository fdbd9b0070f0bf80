import type { Schemas } from '@/api/client'
import type { Problem } from '@/api/problem'
import { fieldOf as refusedField } from '@/app/forms/refusal'
import { text } from '@/locales/en/apps/schedules'
import type { Tone } from '@/ui/tones'
import type { Home } from './home'

export type Schedule = Schemas['Schedule']
export type ScheduleRun = Schemas['ScheduleRun']
export type Settings = Schemas['ScheduleSettings']
export type ChainStep = Schemas['ChainStep']

const SECOND_MS = 1_000
/** What a run gets unless told otherwise. */
const DEFAULT_LIMIT_MS = 600_000

/** How a schedule is, in a word. */
export function stateOf({ state, inStep, settings }: Pick<Schedule, 'state' | 'inStep' | 'settings'>): { label: string; tone: Tone } {
  if (state === 'failed') return { label: text.states.failed, tone: 'bad' }
  if (!inStep) return { label: text.states.pending, tone: 'info' }
  return settings.enabled === false ? { label: text.states.off, tone: 'neutral' } : { label: text.states.standing, tone: 'good' }
}

const TONES: Record<string, Tone> = { running: 'info', succeeded: 'good', failed: 'bad', timedOut: 'bad', interrupted: 'warn', skipped: 'neutral', missed: 'warn', stopped: 'neutral' }

/** How one of its runs went, in a word. */
export const wentOf = ({ state }: Pick<ScheduleRun, 'state'>): { label: string; tone: Tone } => ({ label: text.runs.states[state] ?? state, tone: TONES[state] ?? 'neutral' })

/** A command as it is typed, one word a line; as a JSON list where a line cannot hold one of its words. */
export function typedOf(command: readonly string[]): string {
  const isPlain = command.every((word) => word !== '' && word === word.trim() && !/[\r\n]/.test(word)) && !command[0]?.startsWith('[')
  return isPlain ? command.join('\n') : JSON.stringify(command)
}

/** The words of a command that was typed. */
export function wordsOf(typed: string): string[] {
  if (typed.trim().startsWith('[')) {
    try {
      const list: unknown = JSON.parse(typed)
      if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list
    } catch {
      // A word that begins with a bracket, then.
    }
  }
  return typed.split('\n').map((word) => word.trim()).filter((word) => word !== '')
}

/** A command for reading: words that hold more than a word are in quotes, so that nobody takes it for a line of a shell. */
export const shownAs = (command: readonly string[]): string => command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')

/** A step for reading. */
export const stepShown = ({ delay, command, power, continueOnFailure }: ChainStep) => ({
  after: delay ? text.chain.after(delay / SECOND_MS) : '',
  command: command ?? '',
  power: power ? (text.chain.kinds[power] ?? power) : '',
  goesOn: continueOnFailure ? text.chain.goesOnShown : '',
})

/** A step as it is typed. */
export interface StepForm {
  /** By which it is known while it moves. */
  key: number
  /** Seconds. */
  delay: string
  kind: string
  command: string
  goesOn: boolean
}
export const MAX_STEPS = 20
const MAX_DELAY_S = 900
let steps = 0
export const newStep = (of: Partial<StepForm> = {}): StepForm => ({ key: steps++, delay: '0', kind: 'command', command: '', goesOn: false, ...of })

function stepForm({ delay, command, power, continueOnFailure }: ChainStep): StepForm {
  return newStep({ delay: String((delay ?? 0) / SECOND_MS), kind: power ?? 'command', command: command ?? '', goesOn: continueOnFailure ?? false })
}
function stepOf({ delay, kind, command, goesOn }: StepForm): ChainStep {
  const does = kind === 'command' ? { command } : { power: kind }
  return { delay: Math.round(Number(delay) * SECOND_MS), continueOnFailure: goesOn, ...does }
}

/** What is typed. */
export interface Form {
  name: string
  cron: string
  timezone: string
  command: string
  steps: StepForm[]
  onlyWhenOnline: boolean
  timeLimit: string
  overlap: string
  missed: string
  enabled: boolean
}
export type Field = keyof Form
/** What is refused, by the name of its field; of a step `steps.2.delay`. */
export type Refusals = Partial<Record<string, string>>

export function formOf(schedule: Pick<Schedule, 'name' | 'settings'> | null, ownZone: string): Form {
  const { cron = '', timezone, command = [], steps = [], onlyWhenOnline, timeLimit, overlap, missed, enabled }: Partial<Settings> = schedule?.settings ?? {}
  return {
    name: schedule?.name ?? '',
    cron,
    timezone: timezone ?? (schedule ? 'UTC' : ownZone),
    command: typedOf(command ?? []),
    steps: steps?.length ? steps.map(stepForm) : [newStep()],
    onlyWhenOnline: onlyWhenOnline ?? false,
    timeLimit: String((timeLimit ?? DEFAULT_LIMIT_MS) / SECOND_MS),
    overlap: overlap ?? 'skip',
    missed: missed ?? 'skip',
    enabled: enabled ?? true,
  }
}

/** What is typed, as the API has it: an app's has a command, a server's has steps. */
export function settingsOf(form: Form, kind: Home['kind']): Settings {
  const { cron, timezone, command, timeLimit, overlap, missed, enabled } = form
  const limit = timeLimit.trim() === '' ? undefined : Math.round(Number(timeLimit) * SECOND_MS)
  const does = kind === 'app' ? { command: wordsOf(command) } : { steps: form.steps.map(stepOf), onlyWhenOnline: form.onlyWhenOnline }
  return { cron: cron.trim(), timezone, ...does, timeLimit: limit, overlap, missed, enabled }
}

const NAME = /^[a-z][a-z0-9-]*$/

/** What no question to the API is needed for. The rest is refused by its dry run, in its own words. */
export function refusedAtOnce(form: Form, kind: Home['kind'], taken: readonly string[]): Refusals {
  const refused: Refusals = {}
  const name = form.name.trim()
  if (name === '') refused.name = text.form.nameEmpty
  else if (!NAME.test(name)) refused.name = text.form.nameForm
  else if (taken.includes(name)) refused.name = text.form.nameTaken(name)
  if (kind === 'app' && wordsOf(form.command).length === 0) refused.command = text.form.commandEmpty
  if (kind === 'server') {
    form.steps.forEach(({ delay, kind: does, command }, at) => {
      if (!/^\d+$/.test(delay.trim()) || Number(delay) > MAX_DELAY_S) refused[`steps.${at}.delay`] = text.chain.delayForm
      if (does === 'command' && command.trim() === '') refused[`steps.${at}.command`] = text.chain.commandEmpty
    })
  }
  // What is no number could not even be said.
  if (!/^(\d+(\.\d+)?)?$/.test(form.timeLimit.trim())) refused.timeLimit = text.form.timeLimitForm
  return refused
}

const FIELDS = new Set<string>(['cron', 'timezone', 'command', 'steps', 'timeLimit', 'overlap', 'missed', 'enabled'] satisfies Field[])

/** The field that the dry run refuses; null where it is about something else. */
export function fieldOf(problem: Pick<Problem, 'field' | 'code' | 'message'>): string | null {
  if (problem.code === 'path.invalid') return 'name'
  const named = refusedField(problem)?.replace(/^settings\./, '') ?? ''
  return FIELDS.has(named.split('.')[0]!) ? named : null
}
