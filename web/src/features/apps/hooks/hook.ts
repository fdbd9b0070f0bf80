import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/traffic/pushes'
import type { Tone } from '@/ui/tones'

export type Hook = Schemas['Hook']
export type Delivery = Schemas['HookDelivery']

/** Where a hook is called, seen from here. */
export const addressOf = (path: string): string => new URL(path, location.origin).href

/** Whether a repository is read by ssh; the other addresses there are say so at their beginning. */
export const isSsh = (repository: string): boolean => !/^(https|file):\/\//.test(repository)

/** Lines as people write them: a folder or file each. */
export const pathsOf = (lines: string): string[] =>
  lines
    .split('\n')
    .map((line) => line.trim().replace(/^\.?\/+/, ''))
    .filter((line) => line !== '')

const TONES: Record<string, Tone> = { waiting: 'warn', failed: 'bad', rolled_back: 'bad', denied: 'bad', rejected: 'bad', expired: 'bad', succeeded: 'good' }

/** What became of a delivery, in a word: of its run, where it opened one. */
export function wordOf({ outcome, runState }: Pick<Delivery, 'outcome' | 'runState'>): { label: string; tone: Tone } {
  if (outcome === 'deploy' && runState) return { label: text.states[runState] ?? runState, tone: TONES[runState] ?? 'info' }
  return { label: text.outcomes[outcome] ?? outcome, tone: outcome === 'refused' ? 'bad' : 'neutral' }
}
