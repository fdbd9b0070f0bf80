import { defineAsyncComponent, type Component } from 'vue'
import type { Schemas } from '@/api/client'

/** What every part of a server's page is given. */
export interface TabProps {
  server: Schemas['Server']
}

export interface ServerTab {
  key: string
  /** Shown to who has any of these at the server. */
  rights: string[]
  part: Component<TabProps>
}

/** The parts of a server's page, in their order. A new one is a line here and a name in the texts. */
export const TABS: ServerTab[] = [
  { key: 'console', rights: ['console:view'], part: defineAsyncComponent(() => import('../console/ConsoleTab.vue')) },
  { key: 'monitoring', rights: ['monitoring:view'], part: defineAsyncComponent(() => import('../monitoring/MonitoringTab.vue')) },
  { key: 'files', rights: ['file:read'], part: defineAsyncComponent(() => import('../files/FilesTab.vue')) },
  { key: 'startup', rights: ['server:update'], part: defineAsyncComponent(() => import('../startup/StartupTab.vue')) },
  { key: 'network', rights: ['network:view'], part: defineAsyncComponent(() => import('../network/NetworkTab.vue')) },
  { key: 'schedules', rights: ['schedule:view'], part: defineAsyncComponent(() => import('../schedules/SchedulesTab.vue')) },
  { key: 'users', rights: ['user:view', 'admin:roles'], part: defineAsyncComponent(() => import('../users/UsersTab.vue')) },
  { key: 'activity', rights: ['server:view'], part: defineAsyncComponent(() => import('../activity/ActivityTab.vue')) },
  { key: 'settings', rights: ['server:update', 'server:delete'], part: defineAsyncComponent(() => import('../settings/SettingsTab.vue')) },
]

/** Those that somebody may see. */
export const tabsFor = (may: (permission: string) => boolean): ServerTab[] => TABS.filter(({ rights }) => rights.some(may))
