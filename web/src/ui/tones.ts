/** What a colour says; never alone, always beside a word or a shape. */
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'info' | 'accent'

export const softTone: Record<Tone, string> = {
  neutral: 'bg-raised text-ink-2',
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  info: 'bg-info-soft text-info',
  accent: 'bg-accent-soft text-accent-text',
}

export const textTone: Record<Tone, string> = {
  neutral: 'text-ink-3',
  good: 'text-good',
  warn: 'text-warn',
  bad: 'text-bad',
  info: 'text-info',
  accent: 'text-accent-text',
}
