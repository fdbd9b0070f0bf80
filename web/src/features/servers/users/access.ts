import type { Schemas } from '@/api/client'

/** Who somebody is, as far as a page about one server needs it. */
export type Somebody = Pick<Schemas['Person'], 'id' | 'name' | 'email'>
export interface Access {
  person: Somebody
  /** Roles first, then single permissions by name. */
  grants: Schemas['Grant'][]
}

/** What a grant gives, without where; `many` says how many where it is more than one. */
export const whatOf = ({ role, roleTitle, permissions }: Pick<Schemas['Grant'], 'role' | 'roleTitle' | 'permissions'>, many: (count: number) => string): string =>
  role ? (roleTitle ?? role) : permissions.length === 1 ? permissions[0]! : many(permissions.length)

const looksLike = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
/** An address as it is compared: what is around it is nothing, and capitals are the same. */
export const addressOf = (typed: string): string => typed.trim().toLowerCase()
export const isAddress = (typed: string): boolean => looksLike.test(typed.trim())

/** Who has this very address. */
export const personOf = <T extends Pick<Somebody, 'email'>>(people: readonly T[], typed: string): T | undefined => people.find(({ email }) => email.toLowerCase() === addressOf(typed))

/** Invitations to this one server. */
export const invitationsTo = (all: readonly Schemas['Invitation'][], server: string): Schemas['Invitation'][] => all.filter(({ object }) => object.kind === 'server' && object.id === server)

/** What an invitation brings, in words. */
export const broughtBy = ({ role, permissions }: Pick<Schemas['Invitation'], 'role' | 'permissions'>, title: (role: string) => string): string[] => (permissions.length ? [...permissions].sort() : [title(role)])

/** People with what they were given, as the server itself tells it. */
export const accessOfPeople = (people: readonly Schemas['ServerPerson'][]): Access[] => people.map(({ grants, ...person }) => ({ person, grants: [...grants].sort((a, b) => order(a).localeCompare(order(b))) }))

const order = (grant: Schemas['Grant']): string => `${grant.role ? 0 : 1}${grant.roleTitle ?? grant.permissions[0] ?? ''}`

/** Who was given what at one server, by name. */
export const accessOf = (people: readonly Schemas['Person'][], server: string): Access[] =>
  people
    .map((person) => ({ person, grants: person.roles.filter(({ object }) => object.kind === 'server' && object.id === server).sort((a, b) => order(a).localeCompare(order(b))) }))
    .filter(({ grants }) => grants.length > 0)
    .sort((a, b) => a.person.name.localeCompare(b.person.name))
