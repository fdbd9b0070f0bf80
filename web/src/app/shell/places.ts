import { Activity, Boxes, Building2, ChartLine, HeartPulse, House, Inbox, ListChecks, LockKeyhole, Plug, Server, Settings, SquareTerminal, Users, Workflow } from '@lucide/vue'
import type { Component } from 'vue'
import { text } from '@/locales/en/shell'

export interface Place {
  label: string
  to: string
  icon: Component
  /** `g` and then this letter goes there; a place that not everybody has is without one. */
  key?: string
  /** Not shown to who has this right nowhere. */
  right?: string
  /** On a phone: in the bar at the bottom. */
  bottom?: boolean
  /** How many things wait there stands beside it. */
  counted?: boolean
}

/** Where one can go: rail, bottom bar, palette and shortcuts are made from this. */
export const places: Place[] = [
  { label: text.home, to: '/', icon: House, key: 'h', bottom: true },
  { label: text.inbox, to: '/inbox', icon: Inbox, key: 'i', bottom: true, counted: true },
  { label: text.apps, to: '/apps', icon: Boxes, key: 'a', bottom: true },
  { label: text.servers, to: '/servers', icon: SquareTerminal, key: 'v' },
  { label: text.monitoring, to: '/monitoring', icon: ChartLine, key: 'm', right: 'monitoring:view' },
  { label: text.nodes, to: '/nodes', icon: Server, key: 'n', bottom: true },
  { label: text.runs, to: '/runs', icon: ListChecks, key: 'r' },
  { label: text.workflows, to: '/workflows', icon: Workflow, key: 'w', right: 'workflow:view' },
  { label: text.activity, to: '/activity', icon: Activity, key: 'y' },
  { label: text.secrets, to: '/secrets', icon: LockKeyhole, key: 'x' },
]

/** Rare work. */
export const rarePlaces: Place[] = [
  { label: text.connect, to: '/connect', icon: Plug, key: 'c' },
  { label: text.team, to: '/team', icon: Users, key: 't' },
  { label: text.health, to: '/admin/health', icon: HeartPulse, key: 'e' },
  { label: text.settings, to: '/settings', icon: Settings, key: 's' },
]

/** For those who operate an installation of several teams; for everybody else it is not there. */
export const teamsPlace: Place = { label: text.teams, to: '/teams', icon: Building2 }

/** Whether a place holds the page shown. */
export const holds = (place: Place, path: string): boolean =>
  place.to === '/' ? path === '/' : path === place.to || path.startsWith(`${place.to}/`)
