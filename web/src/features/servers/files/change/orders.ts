import { api, data, plan, type Plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { Problem } from '@/api/problem'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/files'

const DRY = { dryRun: true } as const
type Query = typeof DRY | undefined
/** Orders that are asked for their plans at the same time. */
const AT_ONCE = 4
/** Paths that one order takes. */
export const PATHS_MAX = 100
/** Orders of one act: what is chosen beyond that is done in a second go. */
export const ORDERS_MAX = 50

/** One change of files: what it would do, and the order itself. */
export interface Order {
  plan: () => Promise<Plan>
  give: () => Promise<Schemas['Run']>
}
type Answer = Promise<{ data?: { data?: Schemas['RunOpened'] }; error?: unknown; response: Response }>
const order = (call: (query?: Query) => Answer): Order => ({
  plan: () => plan(call(DRY)),
  give: async () => (await data(call())).run,
})
const at = (id: string, query: Query) => ({ params: { path: { id }, query } })

export const write = (id: string, body: Schemas['NewContent']): Order => order((query) => api.POST('/api/v1/servers/{id}/files/write', { ...at(id, query), body }))
export const makeFolder = (id: string, path: string): Order => order((query) => api.POST('/api/v1/servers/{id}/files/folder', { ...at(id, query), body: { path } }))
/** With those above it; it may be there already. */
export const makeFolderFor = (id: string, path: string): Order => order((query) => api.POST('/api/v1/servers/{id}/files/folder', { ...at(id, query), body: { path, parents: true } }))
export const rename = (id: string, from: string, to: string): Order => order((query) => api.POST('/api/v1/servers/{id}/files/rename', { ...at(id, query), body: { from, to } }))
export const copy = (id: string, from: string, to: string): Order => order((query) => api.POST('/api/v1/servers/{id}/files/copy', { ...at(id, query), body: { from, to } }))
export const remove = (id: string, paths: string[]): Order => order((query) => api.POST('/api/v1/servers/{id}/files/delete', { ...at(id, query), body: { paths } }))
export const setMode = (id: string, path: string, mode: string): Order => order((query) => api.POST('/api/v1/servers/{id}/files/mode', { ...at(id, query), body: { path, mode } }))
export const pack = (id: string, body: Schemas['WantedArchive']): Order => order((query) => api.POST('/api/v1/servers/{id}/files/compress', { ...at(id, query), body }))
export const unpack = (id: string, body: Schemas['Unpacked']): Order => order((query) => api.POST('/api/v1/servers/{id}/files/extract', { ...at(id, query), body }))

/** Cut into pieces of so many. */
export function pieces<T>(all: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, part) => all.slice(part * most, (part + 1) * most))
}

/** The plans of several orders as one: every step and loss, and what any of them waits for. */
export function joined(plans: readonly Plan[]): Plan {
  const [first] = plans
  if (!first) throw new Error('no plan without an order')
  const once = (lines: string[]): string[] => [...new Set(lines)]
  return { ...first, steps: once(plans.flatMap(({ steps }) => steps)), losses: once(plans.flatMap(({ losses }) => losses)), waitsFor: plans.find(({ waitsFor }) => waitsFor)?.waitsFor ?? null }
}

async function plansOf(orders: readonly Order[]): Promise<Plan> {
  const plans: Plan[] = []
  for (const some of pieces(orders, AT_ONCE)) plans.push(...(await Promise.all(some.map((one) => one.plan()))))
  return joined(plans)
}

export interface How extends Pick<Act, 'about' | 'danger' | 'done'> {
  title: string
  /** Each run as it is opened. */
  opened: (run: Schemas['Run']) => void
}

/** An act of one or more orders. They are given one after another; where one is refused, those before it are under way, and it says so. */
export function act(orders: readonly Order[], { opened, ...how }: How): Act {
  return {
    ...how,
    plan: () => plansOf(orders),
    perform: async () => {
      let given = 0
      for (const one of orders) {
        try {
          opened(await one.give())
          given++
        } catch (error) {
          if (given === 0 || !(error instanceof Problem)) throw error
          const { code, message, status, fix, requestId } = error
          throw new Problem({ code, status, fix, requestId, message: text.halfway(given, orders.length, message) })
        }
      }
      return {}
    },
    touches: [[...keys.runs, 'list']],
  }
}
