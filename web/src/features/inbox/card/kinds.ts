import { CircleHelp, OctagonX, ScanEye, Unplug } from '@lucide/vue'
import type { Component } from 'vue'
import type { Tone } from '@/ui/tones'

export const kinds: Record<string, { icon: Component; tone: Tone }> = {
  approval: { icon: CircleHelp, tone: 'warn' },
  failed: { icon: OctagonX, tone: 'bad' },
  review: { icon: ScanEye, tone: 'info' },
  alert: { icon: Unplug, tone: 'warn' },
}
