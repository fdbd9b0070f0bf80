import { expect, it } from 'vitest'
import { text } from '@/locales/en/panel/servers'
import { TABS, tabsFor } from './tabs'

it.each([
  [['server:view', 'console:view'], ['console', 'activity']],
  [['server:view'], ['activity']],
  [['server:view', 'file:read'], ['files', 'activity']],
  [['server:view', 'file:write'], ['activity']],
  [['server:view', 'network:view'], ['network', 'activity']],
  [['server:view', 'monitoring:view'], ['monitoring', 'activity']],
  [['server:view', 'schedule:view'], ['schedules', 'activity']],
  [['server:view', 'server:delete'], ['activity', 'settings']],
  [[], []],
])('%j sees %j', (rights, keys) => expect(tabsFor((right) => (rights as string[]).includes(right)).map(({ key }) => key)).toEqual(keys))

it('each has a name and an address that the router takes', () => {
  for (const { key } of TABS) {
    expect(text.tabs[key]).toBeTruthy()
    expect(key).toMatch(/^[a-z]+$/)
  }
})
