import { describe, expect, it } from 'vitest'
import { readAlt } from '@/app/panel/alt'
import { text } from '@/locales/en/panel/servers'
import { emptyForm, fromForm, placeOf, type ServerForm } from './form'

const alt = readAlt({ variables: [{ name: 'Motd', env: 'MOTD', default: 'Hello' }] })
const form = (change: Partial<ServerForm> = {}): ServerForm => ({ ...emptyForm('a'), name: 'lobby', ...change })
const words = text.create

it('what is left as it is follows the template, and goes where it fits best', () => {
  expect(fromForm(form({ values: { MOTD: 'Hello' } }), alt)).toEqual({
    wanted: { name: 'lobby', altId: 'a', ports: 1, install: true, settings: { image: null, startup: null, variables: {}, secrets: {}, limits: {}, allocationLimit: 1 } },
    refused: {},
  })
})

it('what is said is asked for', () => {
  const { wanted } = fromForm(form({ node: 'n', project: 'p', ports: '3', install: false, description: ' For friends ', values: { MOTD: 'Hi' }, limits: { memory: '512', swap: '', cpuPercent: '', disk: '', pids: '' } }), alt)
  expect(wanted).toMatchObject({ nodeId: 'n', projectId: 'p', ports: 3, install: false, settings: { description: 'For friends', variables: { MOTD: 'Hi' }, limits: { memory: 536_870_912 }, allocationLimit: 3 } })
})

describe('what cannot be is said at once', () => {
  it.each([
    [{ alt: '' }, { alt: words.altMissing }],
    [{ name: ' ' }, { name: words.nameMissing }],
    [{ name: 'Lobby' }, { name: words.nameBad }],
    [{ name: '1st' }, { name: words.nameBad }],
    [{ name: 'a-' }, { name: words.nameBad }],
    [{ name: `a${'b'.repeat(40)}` }, { name: words.nameBad }],
    [{ ports: '33' }, { ports: words.portsBad }],
    [{ ports: '' }, { ports: words.portsBad }],
    [{ limits: { ...form().limits, pids: 'x' } }, { pids: text.limits.whole }],
  ] as [Partial<ServerForm>, object][])('%o: %o', (change, refused) => expect(fromForm(form(change), alt).refused).toEqual(refused))
})

it.each([
  ['server.refused', 'settings.variables.MOTD', 'var.MOTD'],
  ['server.refused', 'settings.startup', 'startup'],
  ['value.refused', 'settings.limits.memory', 'memory'],
  ['value.refused', 'name', 'name'],
  ['name.taken', null, 'name'],
  ['server.no_room', null, 'node'],
  ['allocation.none_free', null, 'ports'],
  ['server.refused', 'settings.stop', null],
  ['permission.missing', null, null],
])('%s at %s stands beside %s', (code, field, place) => expect(placeOf(code, field)).toBe(place))
