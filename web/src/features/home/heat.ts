import type { Component } from 'vue'
import type { RouteLocationRaw } from 'vue-router'
import type { Schemas } from '@/api/client'
import { appState } from '@/app/states/app'
import { nodeState } from '@/app/states/node'
import { text } from '@/locales/en/home'
import type { Tone } from '@/ui/tones'

/** One object of the fleet. */
export interface Cell {
  id: string
  name: string
  /** In words, as the cell says it. */
  label: string
  tone: Tone
  icon: Component
  to: RouteLocationRaw
}

const URGENCY: Tone[] = ['bad', 'warn', 'info', 'neutral', 'good', 'accent']
const byUrgency = (a: Cell, b: Cell): number => URGENCY.indexOf(a.tone) - URGENCY.indexOf(b.tone) || a.name.localeCompare(b.name)

export const nodeCells = (nodes: readonly Schemas['Node'][]): Cell[] =>
  nodes.map((node) => ({ ...nodeState(node), id: node.id, name: node.name, to: { name: 'node', params: { id: node.id } } })).sort(byUrgency)

/** What a silent node's apps do is not known; they keep the state they had when last heard, and say so. */
export function appCells(apps: readonly Schemas['App'][], nodes: readonly Schemas['Node'][]): Cell[] {
  const silent = new Set(nodes.filter((node) => node.status === 'offline').map((node) => node.id))
  return apps
    .map((app): Cell => {
      const { label, tone, icon } = appState(app)
      const isSilent = silent.has(app.nodeId)
      return { id: app.id, name: app.name, icon, to: { name: 'app', params: { id: app.id } }, label: isSilent ? text.lastHeard(label) : label, tone: isSilent ? 'warn' : tone }
    })
    .sort(byUrgency)
}

/** How many are in each state, the most urgent first. */
export function tally(cells: readonly Cell[]): { label: string; tone: Tone; icon: Component; count: number }[] {
  const counts = new Map<string, { label: string; tone: Tone; icon: Component; count: number }>()
  for (const { label, tone, icon } of cells) {
    const known = counts.get(label)
    if (known) known.count++
    else counts.set(label, { label, tone, icon, count: 1 })
  }
  return [...counts.values()]
}
