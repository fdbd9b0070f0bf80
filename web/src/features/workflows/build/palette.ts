import type { ActionSpec } from '@/app/forms/useActionSpecs'
import { text } from '@/locales/en/workflow/canvas'
import { isFields, type Fields } from '../document/source'

/** Something that can be put into a workflow. */
export interface Tool {
  key: string
  kind: 'action' | 'query' | 'approval' | 'wait' | 'map' | 'branch' | 'workflow'
  name: string
  about: string
  /** Something is lost by it. */
  isDestructive: boolean
}

const KINDS = ['query', 'approval', 'wait', 'map', 'branch', 'workflow'] as const

/** What there is to put in: the kinds of steps, and every action that a workflow may take. */
export const tools = (actions: readonly ActionSpec[]): Tool[] => [
  ...KINDS.map((kind): Tool => ({ key: kind, kind, ...text.tools[kind], isDestructive: false })),
  ...actions
    .filter((spec) => spec.arguments)
    // Most workflows are about apps.
    .sort((one, other) => Number(other.name.startsWith('app.')) - Number(one.name.startsWith('app.')))
    .map((spec): Tool => ({ key: `action:${spec.name}`, kind: 'action', name: spec.title, about: `${spec.name}. ${spec.help}`, isDestructive: spec.effect === 'destroy' })),
]

/** What every one of the words stands in. */
export function matching(all: readonly Tool[], words: string): Tool[] {
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean)
  return all.filter(({ key, name, about }) => parts.every((part) => `${key} ${name} ${about}`.toLowerCase().includes(part)))
}

const BEGIN: Record<Exclude<Tool['kind'], 'action'>, Fields> = {
  query: { id: 'look', query: '/health' },
  approval: { id: 'ask', approval: { message: text.firstQuestion } },
  wait: { id: 'pause', wait: { for: '10m' } },
  map: { id: 'each', map: { over: '[]', steps: [] } },
  branch: { id: 'choose', branch: [{ if: 'true', steps: [] }, { steps: [] }] },
  workflow: { id: 'run', workflow: 'name' },
}

/** What a step of a kind begins with. An argument that the workflow has an input for by the same name takes it. */
export function stepOf(key: string, actions: readonly ActionSpec[], inputs: unknown): Fields | null {
  if (!key.startsWith('action:')) return structuredClone(BEGIN[key as keyof typeof BEGIN] ?? null)
  const name = key.slice('action:'.length)
  const schema: unknown = actions.find((spec) => spec.name === name)?.arguments
  if (!isFields(schema)) return null
  const given = isFields(inputs) && isFields(inputs.properties) ? inputs.properties : {}
  const needed = Array.isArray(schema.required) ? schema.required.map(String) : []
  const with_ = Object.fromEntries(needed.filter((one) => one in given).map((one) => [one, `\${{ inputs.${one} }}`]))
  return { id: name.split('.').at(-1)!, action: name, ...(Object.keys(with_).length ? { with: with_ } : {}) }
}

/** Where a key goes from an entry, or from the search (null): an entry, the search, or undefined where it goes nowhere. */
export function goTo(order: readonly string[], from: string | null, key: string): string | null | undefined {
  const at = from === null ? -1 : order.indexOf(from)
  if (key === 'ArrowDown') return order[at + 1]
  // In the search all other keys are for typing.
  if (from === null) return undefined
  if (key === 'ArrowUp') return at > 0 ? order[at - 1] : null
  if (key === 'Home') return order[0]
  return key === 'End' ? order.at(-1) : undefined
}
