import { expect, it } from 'vitest'
import type { Settings } from '../amount'
import { says } from '../amount'
import { formOf, refusedAtOnce, scopeOf, settingsOf, UNITS, type Form, type Rule } from './form'

const rule = (settings: Settings): Rule => ({ id: 'a', name: 'full', scope: { kind: 'team' }, settings, open: 0, createdAt: '', updatedAt: '' })
const whole = { forSecs: 90, marginPercent: 5, cooldownSecs: 30, enabled: false }

it.each<Settings>([
  { metric: 'memory', comparison: 'above', threshold: { percent: 90 }, ...whole },
  { metric: 'cpu', comparison: 'above', threshold: { value: 1_500 }, ...whole },
  { metric: 'disk', comparison: 'above', threshold: { value: 3 * 1_024 ** 3 }, ...whole },
  { metric: 'memory', comparison: 'below', threshold: { value: 1_234_567 }, ...whole },
  { metric: 'network', comparison: 'above', threshold: { value: 10 * 1_024 ** 2 }, ...whole },
  { metric: 'processes', comparison: 'above', threshold: { value: 200 }, ...whole },
])('%j is typed and read as it was', (settings) => {
  const form = formOf(rule(settings))
  expect(settingsOf(form)).toEqual(settings)
  expect(refusedAtOnce(form, false)).toEqual({})
  expect(UNITS[settings.metric]).toContain(form.unit)
})

it.each<[Partial<Form>, (keyof Form)[]]>([
  [{ name: ' ' }, ['name']],
  [{ line: '' }, ['line']],
  [{ line: 'NaN' }, ['line']],
  [{ line: 'Infinity' }, ['line']],
  [{ line: '-5' }, ['line']],
  [{ line: '90.5' }, ['line']],
  [{ line: '1001' }, ['line']],
  [{ unit: 'GB', line: '1e30' }, ['line']],
  [{ unit: 'GB', line: '0' }, ['line']],
  [{ minutes: '61' }, ['minutes']],
  [{ minutes: 'x' }, ['minutes']],
  [{ margin: '50.5' }, ['margin']],
  [{ cooldown: '1441' }, ['cooldown']],
  [{ scope: 'server', which: '' }, ['which']],
])('%j is refused before it is asked', (typed, fields) => {
  expect(Object.keys(refusedAtOnce({ ...formOf(null), name: 'full', ...typed }, true))).toEqual(fields)
})

it('a first rule needs no more than a name', () => {
  const form = { ...formOf(null), name: 'full' }
  expect(refusedAtOnce(form, true)).toEqual({})
  expect(scopeOf(form)).toEqual({ kind: 'team' })
  expect(says(settingsOf(form))).toBe('Memory at or above 90 % of the limit for 5 min')
})
