import type { Schemas } from '@/api/client'
import { text } from '@/locales/en/people/rights'

type Shown = Schemas['Object']
export type ObjectKind = 'tenant' | 'project' | 'node' | 'app' | 'server'
/** Kinds that exist so far, in the order they are offered. */
export const KINDS: ObjectKind[] = ['tenant', 'project', 'node', 'app', 'server']

/** As a query of the API names an object: `app:<id>`, `tenant`. */
export const objectRef = ({ kind, id }: Pick<Shown, 'kind' | 'id'>): string => (id ? `${kind}:${id}` : 'tenant')

/** As a body of the API names it; what cannot be read is the team. */
export function objectBody(ref: string): Schemas['ObjectBody'] {
  const [kind = '', id] = ref.split(':')
  return id && Object.hasOwn(text.ofKind, kind) ? { kind, id } : { kind: 'tenant' }
}

/** What people read: "App shop". */
export function objectName({ kind, id, name }: Shown): string {
  if (!id) return text.team
  const of = text.ofKind[kind] ?? kind
  return name ? `${of} ${name}` : text.gone(of, id.slice(-6))
}
