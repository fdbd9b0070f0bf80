import type { Component, ComputedRef, InjectionKey, Ref } from 'vue'
import type { Tone } from '@/ui/tones'

/** What is to be seen of a step besides what it is: a state, problems, a difference. Never by its colour alone. */
export interface Mark {
  tone: Tone
  icon: Component
  label: string
  moving?: boolean
  /** More, in small: how long it took, which of how many. */
  note?: string
}
export type Marks = ReadonlyMap<string, Mark>

/** The frame of what is marked. */
export const borderTone: Record<Tone, string> = {
  neutral: 'border-line-strong border-dashed',
  good: 'border-good',
  warn: 'border-warn',
  bad: 'border-bad',
  info: 'border-info',
  accent: 'border-accent-text',
}

/** What nodes look at by themselves, so that a new state draws one of them and not all. */
export interface Scene {
  marks: ComputedRef<Marks>
  selected: Ref<string | null>
  /** The one that takes the focus by Tab. */
  entry: ComputedRef<string | null>
  /** Over which a new step is held. */
  target: Ref<string | null>
  isEditable: ComputedRef<boolean>
}
export const SCENE: InjectionKey<Scene> = Symbol('scene')
export const NO_MARKS: Marks = new Map()
