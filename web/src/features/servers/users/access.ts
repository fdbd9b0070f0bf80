import type { Schemas } from '@/api/client'

export interface Access {
  person: Schemas['Person']
  /** Roles first, then single permissions by name. */
  grants: Schemas['Grant'][]
}

/** What a grant gives, without where; `many` says how many where it is more than one. */
export const whatOf = ({ role, roleTitle, permissions }: Pick<Schemas['Grant'], 'role' | 'roleTitle' | 'permissions'>, many: (count: number) => string): string =>
  role ? (roleTitle ?? role) : permissions.length === 1 ? permissions[0]! : many(permissions.length)

const order = (grant: Schemas['Grant']): string => `${grant.role ? 0 : 1}${grant.roleTitle ?? grant.permissions[0] ?? ''}`

/** Who was given what at one server, by name. */
export const accessOf = (people: readonly Schemas['Person'][], server: string): Access[] =>
  people
    .map((person) => ({ person, grants: person.roles.filter(({ object }) => object.kind === 'server' && object.id === server).sort((a, b) => order(a).localeCompare(order(b))) }))
    .filter(({ grants }) => grants.length > 0)
    .sort((a, b) => a.person.name.localeCompare(b.person.name))
