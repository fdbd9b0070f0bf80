import { expect, it } from 'vitest'
import type { Plan } from '@/api/client'
import type { Change } from './changes'
import { together } from './saveAct'

const plan = (steps: string[], waitsFor: string | null = null): Plan => ({ steps, losses: [], waitsFor, decision: {}, guard: {} })
const change = (key: string): Change => ({ key, isEnv: false, label: key, kind: 'changed', before: 'a', after: 'b' })
const settings = { repository: 'https://git.example.org/new', reference: 'v2' }

it('tells what is saved, then what the deploy does, from the new source', () => {
  const whole = together(plan(['Change it']), plan(['Fetch main of the old one', 'Start it'], 'approval'), [change('repository')], settings)
  expect(whole.steps).toHaveLength(3)
  expect(whole.steps[1]).toContain('v2 of https://git.example.org/new')
  expect(whole.waitsFor).toBe('approval')
})

it('keeps the words of the deploy where the source stays', () => {
  expect(together(plan(['x']), plan(['Fetch main']), [change('keep')], settings).steps.at(-1)).toBe('Fetch main')
  expect(together(plan(['x']), null, [change('keep')], settings).steps).toHaveLength(1)
})
