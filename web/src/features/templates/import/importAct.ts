import { api, data, plan, waits, type Plan, type Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import type { Act } from '@/app/acting/useAct'
import { panelKeys } from '@/app/panel/keys'
import { text } from '@/locales/en/panel/eggs'
import type { Egg, Result } from './entry'

/** One template that an import makes, or writes the next version of. */
export interface Job {
  key: number
  file: string
  egg: Egg
  /** The one that gets a version; null makes a new one. */
  alt: Pick<Schemas['Alt'], 'id' | 'version'> | null
}
type Answer = Schemas['AltWithDocument'] | Schemas['RunOpened']

/** Plans that are asked for at the same time. */
const AT_ONCE = 4
const DRY = { dryRun: true } as const

function call(ctrl: string, { egg, alt }: Job, query?: typeof DRY) {
  const document = egg.document
  return alt
    ? api.PUT('/api/v1/alts/{id}', { params: { path: { id: alt.id }, query }, body: { document, from: alt.version } })
    : api.POST('/api/v1/alts', { params: { query }, body: { ctrlId: ctrl, document, source: egg.format } })
}

/** A refusal that says of which file it speaks. */
function named(error: unknown, message: (told: string) => string): unknown {
  if (!(error instanceof Problem)) return error
  const { code, status, fix, requestId } = error
  return new Problem({ code, status, fix, requestId, message: message(error.message) })
}

async function plansOf(ctrl: string, jobs: readonly Job[]): Promise<Plan> {
  const plans: Plan[] = []
  for (let at = 0; at < jobs.length; at += AT_ONCE) {
    const some = jobs.slice(at, at + AT_ONCE).map((job) =>
      plan(call(ctrl, job, DRY)).catch((error: unknown) => {
        throw named(error, (told) => text.planOf(job.file, told))
      }),
    )
    plans.push(...(await Promise.all(some)))
  }
  const [first] = plans
  if (!first) throw new Error('no plan without a file')
  const once = (lines: string[]): string[] => [...new Set(lines)]
  return { ...first, steps: once(plans.flatMap(({ steps }) => steps)), losses: once(plans.flatMap(({ losses }) => losses)), waitsFor: plans.find(({ waitsFor }) => waitsFor)?.waitsFor ?? null }
}

/** Imports files one after another, as they were planned together. What was imported before one is refused stays, and `kept` has heard of it. */
export function importAct(ctrl: string, jobs: readonly Job[], kept: (key: number, result: Result) => void): Act {
  const attention = jobs.filter(({ egg }) => egg.needs.includes('attention')).length
  return {
    title: text.act(jobs.length),
    about: text.actAbout(attention) || undefined,
    plan: () => plansOf(ctrl, jobs),
    perform: async () => {
      let given = 0
      for (const job of jobs) {
        try {
          const answer = await data<Answer>(call(ctrl, job))
          kept(job.key, waits(answer) ? { kind: 'waits' } : { kind: 'kept', alt: answer.alt.id })
          given++
        } catch (error) {
          throw named(error, (told) => text.halfway(job.file, given, jobs.length, told))
        }
      }
      return {}
    },
    touches: [panelKeys.templates],
  }
}
