import { api, data, plan, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { asProblem } from '@/api/problem'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/nodes'

type Acted = Pick<Schemas['Node'], 'id' | 'name'>
const DRY = { dryRun: true } as const

/** Lets a locked node back in. */
export function unlockNode(node: Acted): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/nodes/{id}/unlock', { params: { path: { id: node.id }, query } })
  return {
    title: text.unlockOf(node.name),
    about: text.unlockAbout,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [keys.node(node.id), [...keys.nodes, 'list'], ['activity']],
  }
}

/** Cuts a node's connection and forgets it; `blocked` where apps stand in the way. */
export function removeNode(node: Acted, done: () => void, blocked: () => void): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/nodes/{id}', { params: { path: { id: node.id }, query } })
  return {
    title: text.removeOf(node.name),
    about: text.removeAbout,
    danger: true,
    confirm: node.name,
    plan: () =>
      plan(call(DRY)).catch((error: unknown) => {
        if (asProblem(error).code === 'node.has_apps') blocked()
        throw error
      }),
    perform: () => data(call()),
    touches: [[...keys.nodes, 'list']],
    done,
  }
}

/** Lets in the machine that shows this code. */
export function admitNode(code: string, name: string, done: (answer: unknown) => void): Act {
  const body = { code, ...(name ? { name } : {}) }
  const call = (query?: typeof DRY) => api.POST('/api/v1/device-codes/approve', { params: { query }, body })
  return {
    title: text.letInTitle,
    about: text.letInAbout,
    plan: () => plan(call(DRY)),
    perform: () => data(call()),
    touches: [keys.devices, [...keys.nodes, 'list']],
    done,
  }
}
