import { Ban, Check, CircleDashed, Clock, Send, Undo2, X } from '@lucide/vue'
import type { Component } from 'vue'
import { text } from '@/locales/en/activity'
import type { Tone } from '@/ui/tones'

const LOOKS: Record<string, [Tone, Component]> = {
  proposed: ['info', Send],
  succeeded: ['good', Check],
  failed: ['bad', X],
  rolledBack: ['warn', Undo2],
  denied: ['bad', Ban],
  refused: ['bad', Ban],
  revoked: ['warn', Ban],
  rejected: ['neutral', Ban],
  expired: ['neutral', Clock],
  cancelled: ['neutral', Ban],
}

/** How an outcome is told on screen. */
export function outcome(word: string): { label: string; tone: Tone; icon: Component } {
  const [tone, icon] = LOOKS[word] ?? ['neutral', CircleDashed]
  return { label: text.outcomes[word] ?? word, tone, icon }
}
