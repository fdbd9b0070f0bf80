import type { Component } from 'vue'
import type { Tone } from '@/ui/tones'
import { fold, type Findable } from './rank'

/** Under which heading it stands. */
export type Group = 'recent' | 'here' | 'go' | 'find' | 'do'

/** One line of the palette. */
export interface Entry extends Findable {
  /** Stable, so that what was used lately is found again: `app:<id>`. */
  id: string
  group: Group
  label: string
  /** Beside the label: where it is, how it is. */
  detail?: string
  icon: Component
  tone?: Tone
  /** Its shortcut. */
  keys?: string
  /** The right it needs and this person lacks. */
  lacks?: string
  run: () => void
}

/** An entry with its texts folded. `also`: other words it answers to. */
export const entry = (init: Omit<Entry, keyof Findable> & { also?: string }): Entry => {
  const { also, ...rest } = init
  return { ...rest, folded: fold(rest.label), words: fold([rest.detail, also].filter(Boolean).join(' ')) }
}
