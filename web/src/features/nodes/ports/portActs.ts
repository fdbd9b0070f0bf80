import { api, data, plan, type Schemas } from '@/api/client'
import { panelKeys } from '@/app/panel/keys'
import type { Act } from '@/app/acting/useAct'
import { text } from '@/locales/en/panel/ports'

type Node = Pick<Schemas['Node'], 'id' | 'name'>
const DRY = { dryRun: true } as const

/** Adds ports and ranges to a machine; those it has stay. */
export function addPorts(node: Node, wanted: Schemas['NewAllocations'], done: () => void): Act {
  const call = (query?: typeof DRY) => api.POST('/api/v1/nodes/{id}/allocations', { params: { path: { id: node.id }, query }, body: wanted })
  return { title: text.acts.add(node.name), plan: () => plan(call(DRY)), perform: () => data(call()), touches: [panelKeys.ports(node.id)], done }
}

/** Removes a free one. */
export function removePort(node: Node, port: Pick<Schemas['Allocation'], 'id' | 'place'>): Act {
  const call = (query?: typeof DRY) => api.DELETE('/api/v1/nodes/{id}/allocations/{allocation}', { params: { path: { id: node.id, allocation: port.id }, query } })
  return { title: text.acts.remove(port.place, node.name), danger: true, plan: () => plan(call(DRY)), perform: () => data(call()), touches: [panelKeys.ports(node.id)] }
}
