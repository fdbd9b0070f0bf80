import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/traffic/previews'
import type { Tone } from '@/ui/tones'

export type Preview = Schemas['Preview']
export type PreviewSettings = Schemas['PreviewSettings']

/** How a preview is, in a word; why is beside it. */
export function stateOf({ isServed, endsWhy, problem, state }: Pick<Preview, 'isServed' | 'endsWhy' | 'problem' | 'state'>): { label: string; tone: Tone } {
  if (endsWhy) return { label: text.states.ends, tone: 'warn' }
  if (problem || state === 'failed' || state === 'crashed') return { label: text.states.wrong, tone: 'bad' }
  return isServed ? { label: text.states.served, tone: 'good' } : { label: text.states.making, tone: 'info' }
}

/** What is typed, as the API has it. */
export function settingsOf(form: { base: string; branches: string; requests: boolean; days: string; atOnce: string; certificate: string }): PreviewSettings {
  const { base, branches, requests, days, atOnce, certificate } = form
  return { base: base.trim(), branches: branches.trim() || undefined, requests, days: Number(days) || undefined, atOnce: Number(atOnce) || undefined, certificate }
}
