import type { Schemas } from '@/api/client'

export interface Access {
  person: Schemas['Person']
  grant: Schemas['Grant']
}

/** Who was given what at one server, by name. */
export const accessOf = (people: readonly Schemas['Person'][], server: string): Access[] =>
  people
    .flatMap((person) => person.roles.filter(({ object }) => object.kind === 'server' && object.id === server).map((grant) => ({ person, grant })))
    .sort((a, b) => a.person.name.localeCompare(b.person.name) || a.grant.id.localeCompare(b.grant.id))
