import { expect, it } from 'vitest'
import { text } from '@/locales/en/panel/servers'
import { fieldIn, fromForm, settingsChanges, toForm, type SettingsForm } from './form'

const MIB = 1_024 * 1_024
const settings = { description: 'For friends', image: null, startup: 'Default', variables: { MOTD: 'Hi' }, limits: { memory: 512 * MIB }, allocationLimit: 3, restart: { firstDelay: 250, maxDelay: 30_000, maxCrashes: 10, window: 600_000 } }
const server = { name: 'lobby', ownerId: 'u', settings }
const form = (change: Partial<SettingsForm> = {}): SettingsForm => ({ ...toForm(server), ...change })

it('what is not on the page survives it', () => expect(fromForm(form(), settings)).toEqual({ settings, refused: {} }))
it('where nothing is said it is as usual', () => expect(toForm({ ...server, settings: {} })).toMatchObject({ ports: '1', restart: { maxCrashes: '10', window: '600', firstDelay: '0.25', maxDelay: '30' } }))

it.each([
  [{ ports: '201' }, { ports: text.settings.portsBad }],
  [{ ports: '' }, { ports: text.settings.portsBad }],
  [{ ports: '1.5' }, { ports: text.settings.portsBad }],
  [{ restart: { ...form().restart, maxCrashes: '0.5' } }, { maxCrashes: text.settings.seconds }],
  [{ restart: { ...form().restart, window: '-1' } }, { window: text.settings.seconds }],
  [{ limits: { ...form().limits, pids: 'x' } }, { pids: text.limits.whole }],
] as [Partial<SettingsForm>, object][])('%o: %o', (change, refused) => expect(fromForm(form(change), settings).refused).toEqual(refused))

it('tells what differs', () => {
  const { lines } = text.settings
  const after = form({ name: 'arena', owner: 'v', ports: '2', limits: { ...form().limits, memory: '' } })
  expect(settingsChanges(form(), after, () => 'Kim')).toEqual([lines.name('arena'), lines.owner('Kim'), lines.limit(text.limits.memory.label, text.limits.none), lines.ports(2)])
  expect(settingsChanges(form(), form(), () => '')).toEqual([])
})

it.each([
  ['settings.limits.memory', 'memory'],
  ['settings.allocationLimit', 'ports'],
  ['ownerId', 'owner'],
  ['name', 'name'],
])('%s is %s', (field, name) => expect(fieldIn(field)).toBe(name))
