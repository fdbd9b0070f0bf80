import { expect, it } from 'vitest'
import { text } from '@/locales/en/workflows'
import type { Workflow } from '../workflowActs'
import { startsOf } from './starts'

const trigger = (kind: string, nextAt: string | null = null): Workflow['triggers'][number] => ({ id: kind, name: kind, kind, nextAt, missed: 0 })
const late = '2026-03-01T00:00:00Z'
const soon = '2026-02-28T23:00:00-02:00'

it.each([
  [[], true, { words: text.noTrigger }],
  [[trigger('cron', late)], false, { words: text.off }],
  [[trigger('cron', '2026-03-02T00:00:00Z'), trigger('webhook'), trigger('cron', soon)], true, { at: soon }],
  [[trigger('webhook')], true, { words: text.hooks }],
  [[trigger('cron')], true, { words: text.never }],
])('%o, on: %o', (triggers, enabled, expected) => expect(startsOf({ triggers, enabled })).toEqual(expected))
